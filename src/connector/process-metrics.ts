import { Counter, Gauge, type Registry } from "prom-client";

/**
 * What every client library tells of its process, by the usual names. Not prom-client's own set: that one
 * wakes the process a hundred times a second to time the event loop, which we time ourselves.
 */
export function processMetrics(registers: Registry[]): () => void {
  const cpu = new Counter({
    name: "process_cpu_seconds_total",
    help: "CPU time of the process, user and system.",
    registers,
  });
  const resident = new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory of the process.",
    registers,
  });
  const heap = new Gauge({ name: "nodejs_heap_used_bytes", help: "Heap in use by V8.", registers });
  const started = new Gauge({
    name: "process_start_time_seconds",
    help: "When the process was started.",
    registers,
  });
  started.set(performance.timeOrigin / 1000);
  return () => {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed } = process.memoryUsage();
    cpu.reset();
    cpu.inc((user + system) / 1e6);
    resident.set(rss);
    heap.set(heapUsed);
  };
}

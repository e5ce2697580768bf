// Before the first paint, so that a chosen theme does not flash. A file of its own: nothing inline.
try {
  const theme = localStorage.getItem("mooring.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage is closed to this page: the system's theme it is.
}

import { render } from "preact";
import { App } from "./app.tsx";
import { followHeartbeats } from "./fleet/fresh.ts";
import { keysShown, listenForKeys } from "./fleet/keys.ts";
import { startClock } from "./fleet/now.ts";
import { followLinks } from "./fleet/route.ts";
import { startSession } from "./fleet/session.ts";
import { keepSettings } from "./fleet/settings.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/bar.css";
import "./styles/controls.css";
import "./styles/cards.css";
import "./styles/state.css";
import "./styles/line.css";
import "./styles/attention.css";
import "./styles/table.css";
import "./styles/detail.css";
import "./styles/connector.css";
import "./styles/forms.css";
import "./styles/secrets.css";
import "./styles/phone.css";
import "./styles/print.css";

keepSettings();
startClock();
followLinks();
listenForKeys();
followHeartbeats();
const place = document.getElementById("page");
if (place !== null) render(<App />, place);
void startSession();

/** `?` stands beside the keys of the views. */
document.addEventListener("keydown", (event) => {
  if (
    event.key === "?" &&
    !(event.target instanceof HTMLInputElement) &&
    !(event.target instanceof HTMLTextAreaElement)
  )
    keysShown.value = true;
});

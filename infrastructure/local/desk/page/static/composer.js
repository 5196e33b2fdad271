// Writing messages, replies and slash commands.
import { post, toast } from "./ask.js";

export function startComposer(form, where, sent) {
  const text = form.querySelector("textarea");
  const commands = form.querySelector(".commands");

  const offered = () => {
    const rows = [...(commands?.querySelectorAll("li") ?? [])];
    const typed = text.value;
    const fits = (row) => typed.startsWith("/") && !typed.includes(" ") && row.dataset.command.startsWith(typed);
    for (const row of rows) row.hidden = !fits(row);
    const shown = rows.filter((row) => !row.hidden && row.dataset.command !== typed);
    if (commands) commands.hidden = shown.length === 0;
    rows.forEach((row) => row.setAttribute("aria-selected", String(row === shown[0])));
    return shown;
  };
  const resize = () => {
    text.style.height = "auto";
    text.style.height = `${text.scrollHeight}px`;
    form.classList.toggle("ready", Boolean(text.value.trim()));
    offered();
  };
  const choose = (row) => { text.value = `${row.dataset.command} `; text.focus(); resize(); };

  text.addEventListener("input", resize);
  text.addEventListener("keydown", (event) => {
    const shown = offered();
    if (event.key === "Tab" && shown.length) { event.preventDefault(); choose(shown[0]); }
    if (event.key === "Escape" && commands) commands.hidden = true;
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (shown.length) choose(shown[0]); else form.requestSubmit();
    }
  });
  commands?.addEventListener("click", (event) => {
    const row = event.target.closest("li");
    if (row) choose(row);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const typed = text.value;
    const place = where();
    if (!typed.trim()) return;
    if (!place.channel) {
      toast("One moment, please: the page is still loading.");
      return;
    }
    text.value = "";
    resize();
    const answer = await post("write", { ...place, text: typed });
    if (!answer.ok && answer.says) { // of what has no words here, Slackbot speaks
      text.value = typed;
      resize();
      toast(answer.says);
    }
    await sent(typed);
  });
}

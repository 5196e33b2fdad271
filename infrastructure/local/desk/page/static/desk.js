// The page: where one is (from the address), what is shown there, and what changed meanwhile.
import "./acts.js";
import { fetchFragment, me, post, toast } from "./ask.js";
import { startComposer } from "./composer.js";
import { refreshModal } from "./modal.js";
import { released } from "./press.js";

const pane = document.getElementById("pane");
const side = document.getElementById("sidebar");
const thread = document.getElementById("thread");
const composer = document.getElementById("composer");
const phone = matchMedia("(max-width: 767px)");
let at = { channel: "", tab: "", thread: "" };

function place() {
  const [channel = "", rest = ""] = decodeURIComponent(location.hash.slice(1)).split("/");
  return { channel, tab: rest === "home" ? "home" : "", thread: /^\d+\.\d+$/.test(rest) ? rest : "" };
}

const nearEnd = (list) => list.scrollHeight - list.scrollTop - list.clientHeight < 80;

function toEnd() {
  const list = pane.querySelector(".messages");
  if (list) list.scrollTop = list.scrollHeight;
}

function merge(list, fresh) {
  // Only what changed is replaced: what somebody is picking elsewhere stays as it is.
  const known = new Map([...list.querySelectorAll(":scope > .message")].map((m) => [m.id, m]));
  const rows = [...fresh.children].map((row) => {
    const old = known.get(row.id);
    return old && old.dataset.mark === row.dataset.mark ? old : row;
  });
  const same = rows.length === list.children.length && rows.every((row, i) => row === list.children[i]);
  if (!same) list.replaceChildren(...rows);
}

const drawn = new WeakMap();

function show(holder, html, again) {
  if (again && drawn.get(holder) === html) return; // also what is open or picked on it stays as it is
  drawn.set(holder, html);
  const made = document.createElement("template");
  made.innerHTML = html;
  for (const mine of made.content.querySelectorAll(`.mention[data-user="${CSS.escape(me)}"]`)) mine.classList.add("me");
  const list = holder.querySelector(".messages");
  const fresh = made.content.querySelector(".messages");
  if (again && list && fresh && !fresh.classList.contains("home")) {
    const stay = !nearEnd(list);
    const top = list.scrollTop;
    const last = list.lastElementChild.id;
    holder.querySelector(".pane-head").replaceWith(made.content.querySelector(".pane-head"));
    merge(list, fresh);
    list.scrollTop = stay ? top : list.scrollHeight;
    const jump = holder.querySelector(".jump");
    if (jump && stay && list.lastElementChild.id !== last) jump.hidden = false;
    return;
  }
  holder.replaceChildren(made.content);
  const now = holder.querySelector(".messages:not(.home)");
  if (now) now.scrollTop = now.scrollHeight;
}

async function showSidebar() {
  const html = await fetchFragment("sidebar");
  await released();
  if (html === null) return;
  side.innerHTML = html;
  for (const link of side.querySelectorAll("a")) {
    if (link.dataset.channel === at.channel) link.setAttribute("aria-current", "page");
  }
  const unread = [...side.querySelectorAll(".count")].reduce((sum, b) => sum + Number(b.textContent), 0);
  document.title = document.title.replace(/^\(\d+\) /, "").replace(/^/, unread ? `(${unread}) ` : "");
}

async function showTalk(again) {
  composer.hidden = at.tab === "home";
  if (!at.channel) return;
  const where = at.channel + at.tab;
  const html = await fetchFragment(at.tab === "home" ? "home" : "talk", { channel: at.channel });
  await released();
  if (html === null || where !== at.channel + at.tab) return;
  show(pane, html, again);
  const name = pane.querySelector("h2")?.textContent.trim() ?? "";
  const direct = at.channel.startsWith("D");
  composer.querySelector("textarea").placeholder = `Message ${direct ? "" : "#"}${name}`;
  const looking = !phone.matches || document.body.dataset.pane !== "list";
  if (at.tab !== "home" && looking && document.visibilityState === "visible") {
    await post("read", { channel: at.channel });
  }
}

async function showThread(again) {
  thread.hidden = !at.thread;
  const where = at.thread;
  const html = where ? await fetchFragment("thread", at) : null;
  await released();
  if (html !== null && where === at.thread) show(thread.querySelector(".pane"), html, again);
}

async function go() {
  const before = at;
  at = place();
  const home = side.querySelector("a[data-channel]")?.dataset.channel;
  if (!at.channel && home && !phone.matches) { location.replace(`#${home}`); return; }
  document.body.dataset.pane = at.thread ? "thread" : at.channel ? "talk" : "list";
  const moved = before.channel !== at.channel || before.tab !== at.tab;
  if (moved) {
    pane.replaceChildren();
    drawn.delete(pane);
  }
  await Promise.all([showTalk(!moved), showThread(before.thread === at.thread)]);
  await showSidebar();
  if (moved && at.channel.startsWith("D")) post("open-home", { channel: at.channel, tab: at.tab || "messages" });
}

document.addEventListener("click", (event) => {
  const to = (hash) => { location.hash = hash; };
  const target = event.target.closest("[data-thread], [data-close-thread], [data-back], [data-tab], [data-be], [data-jump]");
  if (!target) return;
  if (target.dataset.thread) to(`${at.channel}/${target.dataset.thread}`);
  else if ("closeThread" in target.dataset) to(at.channel);
  else if ("back" in target.dataset) to("");
  else if ("jump" in target.dataset) toEnd();
  else if (target.dataset.tab) to(target.dataset.tab === "home" ? `${at.channel}/home` : at.channel);
  else {
    event.preventDefault();
    const stays = at.channel.startsWith("C") ? location.hash : "";
    location.assign(`/?as=${target.dataset.be}${stays}`);
  }
});

let waiting = null;
function soon() {
  // News comes in bursts; one look for all of it.
  waiting ??= setTimeout(async () => {
    waiting = null;
    await Promise.all([showTalk(true), showThread(true), refreshModal()]);
    await showSidebar();
  }, 30);
}

function listen() {
  const news = new EventSource(`/desk/stream?as=${encodeURIComponent(me)}`);
  news.addEventListener("hello", soon);
  news.onmessage = soon;
  news.onerror = () => toast("The desk is not answering. Waiting for it to come back…");
}

// Where one writes is what the address says, also before anything of it is drawn.
startComposer(composer, () => ({ channel: place().channel }), async () => {
  await showTalk(true);
  toEnd();
});
const replyTo = () => ({ channel: place().channel, thread_ts: place().thread });
startComposer(document.querySelector("#thread .composer"), replyTo, () => showThread(true));
addEventListener("hashchange", go);
pane.addEventListener("scroll", (event) => {
  const jump = pane.querySelector(".jump");
  if (jump && nearEnd(event.target)) jump.hidden = true;
}, true);
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") soon(); });
await showSidebar();
await go();
listen();

// Buttons, menus and pickers in messages, modals and the Home tab.
import { post } from "./ask.js";
import { valueOf, valuesIn } from "./fields.js";

const surfaceOf = (element) => element.closest(".message, .surface");

function agreed(id) {
  const box = document.getElementById(id);
  box.showModal();
  return new Promise((answer) => {
    const done = (yes) => { box.close(); answer(yes); };
    box.querySelector("[data-agree]").onclick = () => done(true);
    box.querySelector("[data-deny]").onclick = () => done(false);
    box.oncancel = () => answer(false);
  });
}

async function act(element, action, value) {
  const surface = surfaceOf(element);
  const trouble = surface.querySelector(":scope > .trouble, .content > .trouble");
  if (element.dataset.confirm && !(await agreed(element.dataset.confirm))) return;
  if (element.dataset.url) window.open(element.dataset.url, "_blank", "noopener");
  if (trouble) trouble.hidden = true;
  element.classList.add("busy");
  element.disabled = true;
  const { channel, ts, view } = surface.dataset;
  const answer = await post("click", {
    channel, ts, view_id: view, block_id: element.dataset.block, action_id: action, value,
    values: valuesIn(surface),
  });
  element.classList.remove("busy");
  element.disabled = false;
  if (!answer.ok && trouble) {
    trouble.textContent = answer.says ?? "That did not work. Please try again.";
    trouble.hidden = false;
  }
}

function closeMenus(but) {
  for (const menu of document.querySelectorAll(".menu:not([hidden])")) {
    if (menu === but) continue;
    menu.hidden = true;
    menu.parentElement.querySelector("[data-menu]").setAttribute("aria-expanded", "false");
  }
}

function opensWhereThereIsRoom(menu) {
  menu.classList.remove("up", "back");
  const room = menu.closest(".messages")?.getBoundingClientRect().bottom ?? innerHeight;
  const { bottom, right } = menu.getBoundingClientRect();
  menu.classList.toggle("up", bottom > room);
  menu.classList.toggle("back", right > innerWidth);
  menu.querySelector("a, button")?.focus({ preventScroll: true });
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-menu]");
  const menu = opener?.parentElement.querySelector(".menu");
  closeMenus(menu);
  if (menu) {
    menu.hidden = !menu.hidden;
    opener.setAttribute("aria-expanded", String(!menu.hidden));
    if (!menu.hidden) opensWhereThereIsRoom(menu);
  }
  const button = event.target.closest("[data-press]");
  if (button && surfaceOf(button)) act(button, button.dataset.press, button.dataset.value ?? null);
});

document.addEventListener("keydown", (event) => {
  const menu = document.querySelector(".menu:not([hidden])");
  if (!menu) return;
  if (event.key === "Escape") {
    closeMenus();
    menu.parentElement.querySelector("[data-menu]").focus();
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const rows = [...menu.querySelectorAll("a, button")];
  const next = rows.indexOf(document.activeElement) + step;
  rows[(next + rows.length) % rows.length]?.focus();
});

document.addEventListener("change", (event) => {
  const field = event.target.closest("[data-field]");
  const surface = field && surfaceOf(field);
  if (!surface) return;
  const dispatches = field.closest("[data-acts]") ?? field.parentElement.querySelector("[data-dispatch]")
    ?? field.closest(".b-input")?.querySelector("[data-dispatch]");
  if (dispatches) act(field, field.dataset.field, valueOf(field));
});

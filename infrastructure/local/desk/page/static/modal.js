// The modal in front: shown, kept up to date without losing what was typed, submitted, closed.
import { fetchFragment, post, toast } from "./ask.js";
import { restore, valuesIn } from "./fields.js";
import { released } from "./press.js";

const dialog = document.getElementById("modal");

export async function refreshModal() {
  const html = await fetchFragment("modal");
  await released();
  if (html === null) return;
  const before = dialog.querySelector("form");
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const after = holder.content.querySelector("form");
  if (before?.dataset.mark === after?.dataset.mark && before?.dataset.view === after?.dataset.view) return;
  const typed = before && after && before.dataset.view === after.dataset.view ? valuesIn(before) : {};
  dialog.replaceChildren(...(after ? [after] : []));
  if (!after) {
    if (dialog.open) dialog.close();
    return;
  }
  restore(after, typed);
  if (!dialog.open) dialog.showModal();
  if (!before) after.querySelector("[autofocus], .modal-body input, .modal-body textarea, .modal-body select")?.focus();
}

function showErrors(form, errors) {
  for (const block of form.querySelectorAll("[data-input]")) {
    const says = errors[block.dataset.input];
    const line = block.querySelector(".field-error");
    line.textContent = says ?? "";
    line.hidden = !says;
    block.classList.toggle("wrong", Boolean(says));
    for (const field of block.querySelectorAll("[data-field]")) field.setAttribute("aria-invalid", String(Boolean(says)));
  }
  form.querySelector(".wrong [data-field]")?.focus();
}

dialog.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const button = form.querySelector("[type=submit]");
  const trouble = form.querySelector(":scope > .trouble");
  trouble.hidden = true;
  button.classList.add("busy");
  button.disabled = true;
  const answer = await post("submit", { view_id: form.dataset.view, values: valuesIn(form) });
  button.classList.remove("busy");
  button.disabled = false;
  showErrors(form, answer.errors ?? {});
  if (!answer.ok && answer.says) {
    trouble.textContent = answer.says;
    trouble.hidden = false;
  }
  await refreshModal();
});

async function close(everything) {
  const form = dialog.querySelector("form");
  const answer = await post("close", { view_id: form.dataset.view, values: valuesIn(form), everything });
  if (!answer.ok) toast(answer.says ?? "That did not work. Please try again.");
  await refreshModal();
}

dialog.addEventListener("click", (event) => {
  const button = event.target.closest("[data-close]");
  if (button) close(button.dataset.close === "everything");
});
dialog.addEventListener("cancel", (event) => {
  if (event.target !== dialog) return;
  event.preventDefault();
  close(false);
});

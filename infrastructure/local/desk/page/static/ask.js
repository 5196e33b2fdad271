// Talking to the desk: who acts is always sent along.
export const me = document.body.dataset.as;

let asks = 0;
const newest = new Map();

export async function fetchFragment(name, query = {}) {
  const params = new URLSearchParams({ as: me, ...query });
  const ask = ++asks;
  try {
    const answer = await fetch(`/shown/${name}?${params}`);
    const html = answer.ok ? await answer.text() : null;
    if (html === null || ask < (newest.get(name) ?? 0)) return null; // a later ask was answered sooner
    newest.set(name, ask);
    return html;
  } catch {
    return null; // Leaving the page, or the desk is down: the stream says when it is back.
  }
}

export async function post(deed, what) {
  try {
    const answer = await fetch(`/desk/${deed}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ as: me, ...what }),
    });
    return await answer.json();
  } catch {
    return { ok: false, error: "offline", says: "The desk is not answering. Is it still running?" };
  }
}

let hiding;
export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { box.hidden = true; }, 5000);
}

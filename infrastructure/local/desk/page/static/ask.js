// Talking to the desk: who acts is always sent along.
export const me = document.body.dataset.as;

export async function fetchFragment(name, query = {}) {
  const params = new URLSearchParams({ as: me, ...query });
  try {
    const answer = await fetch(`/shown/${name}?${params}`);
    return answer.ok ? await answer.text() : null;
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

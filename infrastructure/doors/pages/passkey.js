// One button: ask the device for a passkey, or for a signature with one, and bring it to where the page came from.

const page = document.querySelector("main");
const button = page.querySelector("button");
const trouble = document.getElementById("trouble");

const bytes = (text) =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const spelled = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const named = (keys = []) => keys.map((key) => ({ ...key, id: bytes(key.id) }));

async function made(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: named(options.excludeCredentials),
  };
  const key = await navigator.credentials.create({ publicKey });
  const { clientDataJSON, attestationObject } = key.response;
  return { key, response: { clientDataJSON, attestationObject } };
}

async function signed(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: named(options.allowCredentials),
  };
  const key = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature } = key.response;
  return { key, response: { clientDataJSON, authenticatorData, signature } };
}

async function bring({ key, response }) {
  const spoken = Object.fromEntries(Object.entries(response).map(([name, value]) => [name, spelled(value)]));
  const body = JSON.stringify({ id: key.id, rawId: key.id, type: key.type, response: spoken });
  const answer = await fetch(location.href, { method: "POST", headers: { "content-type": "application/json" }, body });
  return answer.json();
}

function show(answer) {
  if (answer.again || answer.error) return fail(answer.text || answer.error);
  const done = document.getElementById("done");
  document.getElementById("asked").hidden = true;
  done.classList.toggle("good", answer.done === true);
  done.querySelector("h1").textContent = answer.title;
  done.querySelector("p").textContent = answer.text;
  done.hidden = false;
  done.focus();
}

function fail(why) {
  trouble.textContent = why;
  trouble.hidden = false;
  trouble.scrollIntoView({ block: "nearest" });
}

function reason(error) {
  if (error.name === "NotAllowedError") return "Your device did not confirm it. Nothing has happened: please try again.";
  if (error.name === "InvalidStateError") return "This device has your passkey already. You need no other one.";
  return "That did not work. Please check your connection and try again.";
}

async function act() {
  button.disabled = true;
  trouble.hidden = true;
  try {
    const options = JSON.parse(page.dataset.options);
    show(await bring(await ("create" in page.dataset ? made(options) : signed(options))));
  } catch (error) {
    fail(reason(error));
  }
  button.disabled = false;
}

if (button && !window.PublicKeyCredential) {
  button.disabled = true;
  fail("This browser knows no passkeys. Please open the link in Safari, Chrome, Edge or Firefox.");
}
button?.addEventListener("click", act);

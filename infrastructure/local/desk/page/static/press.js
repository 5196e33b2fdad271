// A finger on the page: nothing is drawn anew under it, or the click would hit something else, or nothing.
const LONGEST = 3000; // a button that is let go outside of the window tells nobody
const CLICK_COMES = 100;
let down = null;

function press() {
  if (down) clearTimeout(down.timer);
  else {
    down = {};
    down.over = new Promise((over) => { down.release = over; });
  }
  down.timer = setTimeout(release, LONGEST);
}

function release() {
  if (!down) return;
  clearTimeout(down.timer);
  down.release();
  down = null;
}

addEventListener("pointerdown", press, true);
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, () => {
    if (!down) return;
    clearTimeout(down.timer);
    down.timer = setTimeout(release, CLICK_COMES);
  }, true);
}

export async function released() {
  while (down) await down.over;
}

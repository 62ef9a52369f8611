// Shows what a mark stands for while it is pointed at or touched. The page is complete without it.
const tip = document.getElementById("tip");
const show = event => {
  const mark = event.target.closest("svg [aria-label][aria-roledescription]");
  if (!mark || mark.getAttribute("role") !== "graphics-symbol" || mark.closest(".role-axis, .role-legend")) {
    tip.hidden = true;
    return;
  }
  tip.textContent = mark.getAttribute("aria-label");
  tip.hidden = false;
  const left = Math.min(event.clientX + 14, window.innerWidth - tip.offsetWidth - 8);
  const below = event.clientY + 18 + tip.offsetHeight < window.innerHeight;
  tip.style.left = Math.max(8, left) + "px";
  tip.style.top = (below ? event.clientY + 18 : event.clientY - tip.offsetHeight - 12) + "px";
};
for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, show);
document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

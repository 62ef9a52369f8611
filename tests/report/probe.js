// Runs in the page before anything else: what went wrong, and once it is loaded, what can be seen.
const probe = { errors: [], requests: [] };
window.addEventListener("error", event => probe.errors.push(String(event.message)), true);
const complain = console.error;
console.error = (...words) => { probe.errors.push(words.join(" ")); complain(...words); };

const box = element => element.getBoundingClientRect();
const seen = element => box(element).width > 0 && box(element).height > 0;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const cards = look => Object.fromEntries(all("article").map(card => [card.id, look(card)]));
const marks = chart => all('[role="graphics-symbol"][aria-label]', chart)
  .filter(mark => !mark.closest(".role-axis, .role-legend") && seen(mark));
const told = mark => mark.getAttribute("aria-label");

window.addEventListener("load", () => {
  probe.charts = cards(card => all("svg", card).filter(seen).map(chart => ({
    width: box(chart).width,
    marks: marks(chart).map(mark => ({ told: told(mark), width: box(mark).width })),
  })));
  const first = marks(document.querySelector("#pipeline_by_stage"))[0];
  if (first) first.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 20, clientY: 20 }));
  const tip = document.getElementById("tip");
  probe.tip = tip.hidden ? "" : tip.textContent;
  probe.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  probe.background = getComputedStyle(document.body).backgroundColor;
  probe.tables = cards(card => all("tbody tr", card).map(row => [...row.cells].map(cell => cell.textContent)));
  probe.sql = cards(card => card.querySelector("pre").textContent);
  probe.figures = Object.fromEntries(
    all(".figure").map(figure => [figure.id, all(".value", figure).map(value => value.textContent)]));
  probe.ids = all("[id]").map(element => element.id);
  probe.requests = performance.getEntriesByType("resource").map(entry => entry.name);
  document.body.innerHTML = "<pre id=probe></pre>";
  document.getElementById("probe").textContent = JSON.stringify(probe);
});

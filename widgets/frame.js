// What Streamlit leaves open on every page. `data` from Python: {theme}, the one that the page was drawn for.

const LOOK_MS = 200;

// Streamlit changes its own colours when the visitor or the system asks for another theme, and does not run the page
// again: charts would keep the ink of the old ground.
function followTheme(root, data, setTriggerValue) {
  const app = document.querySelector('[data-testid="stApp"]');
  const look = () => {
    const theme = getComputedStyle(app).colorScheme;
    // Asked once: where the server answers with the same theme again, it knows better.
    if (theme === data.theme || theme === root.themeAsked) return;
    root.themeAsked = theme;
    setTriggerValue("theme", theme);
  };
  if (root.themeDrawn !== data.theme) root.themeAsked = null;
  root.themeDrawn = data.theme;
  const watch = new MutationObserver(look);
  watch.observe(app, { attributes: true, attributeFilter: ["class"] });
  look();
  return () => watch.disconnect();
}

function set(element, values) {
  for (const [name, value] of Object.entries(values)) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  }
}

// A table that is pushed aside by a finger can be pushed by keys, code in the order of the keyboard has a role, and a
// place for files is no mere decoration.
function mendRoles() {
  document.querySelectorAll('[data-testid="stMarkdownContainer"]:has(> table)').forEach((box, number) => {
    const wide = box.scrollWidth > box.clientWidth;
    set(box, wide
      ? { tabindex: "0", role: "region", "aria-label": `Table ${number + 1}` }
      : { tabindex: null, role: null, "aria-label": null });
  });
  document.querySelectorAll('[data-testid="stCode"]').forEach((box, number) =>
    set(box, { role: "region", "aria-label": `Code ${number + 1}` }));
  for (const box of document.querySelectorAll('[data-testid="stFileUploaderDropzone"]')) set(box, { role: "group" });
  for (const button of document.querySelectorAll('[data-testid="stExpandSidebarButton"]')) set(button, { "aria-label": "Menu" });
}

// Keys come into a group of choices at the one that is chosen, as they do in any other radio group.
function enterAtChosen(event) {
  const group = event.target.closest?.('[role="radiogroup"]');
  if (!group || group.contains(event.relatedTarget) || !event.target.matches(":focus-visible")) return;
  group.querySelector('[role="radio"][aria-checked="true"]')?.focus();
}

function keepEntering() {
  document.addEventListener("focusin", enterAtChosen);
  return () => document.removeEventListener("focusin", enterAtChosen);
}

function keepMending() {
  let timer = null;
  const soon = () => { timer ??= setTimeout(() => { timer = null; mendRoles(); }, LOOK_MS); };
  const watch = new MutationObserver(soon);
  watch.observe(document.body, { childList: true, subtree: true });
  addEventListener("resize", soon);
  soon();
  return () => {
    clearTimeout(timer);
    watch.disconnect();
    removeEventListener("resize", soon);
  };
}

// A chart is drawn for the screen's width. Paper is narrower: it shows the same drawing, smaller.
function fitPaper() {
  for (const chart of document.querySelectorAll(".js-plotly-plot .svg-container")) {
    const { offsetWidth: width, offsetHeight: height } = chart;
    if (!width || !height) continue; // folded away
    chart.style.setProperty("--shape", `${width} / ${height}`);
    chart.style.setProperty("--own-width", `${width}px`);
    for (const layer of chart.querySelectorAll(":scope > .main-svg")) layer.setAttribute("viewBox", `0 0 ${width} ${height}`);
  }
}

function fitScreen() {
  for (const chart of document.querySelectorAll(".js-plotly-plot .svg-container")) {
    for (const name of ["--shape", "--own-width"]) chart.style.removeProperty(name);
    for (const layer of chart.querySelectorAll(":scope > .main-svg")) layer.removeAttribute("viewBox");
  }
}

function keepFitting() {
  addEventListener("beforeprint", fitPaper);
  addEventListener("afterprint", fitScreen);
  return () => {
    removeEventListener("beforeprint", fitPaper);
    removeEventListener("afterprint", fitScreen);
  };
}

export default function (component) {
  const ends = [
    followTheme(component.parentElement, component.data, component.setTriggerValue), keepMending(), keepEntering(), keepFitting(),
  ];
  return () => ends.forEach((end) => end());
}

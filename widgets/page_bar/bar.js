// What is at hand on every page: its words, each explained, and a link to what it shows. GLOSSARY from Python: {pattern,
// spellings, terms}. `data` from Python: {here, pages}, the page's address and all titles by address. To Python: `go`, an address that was asked for.
//
// The page's own elements are React's and stay as they are: a word is underlined by a highlight, and found again by where
// it lies.

const SCAN_MS = 300; // after the page has changed
const HIDE_MS = 250; // to go from a word to its explanation
const PATTERN = new RegExp(GLOSSARY.pattern, "gi");
const UNSEEN = "script, style, noscript, pre, code";
// What does something else when it is touched, what is large enough already, and charts, where nothing is underlined.
const UNMARKED = `${UNSEEN}, button, a, label, summary, input, textarea, h1, h2, h3, svg, canvas, [role=radio], [role=tab],
  [class*=st-key-card_], .st-key-overline`;

function termsIn(text) {
  const found = [];
  for (const match of text.matchAll(PATTERN)) {
    const written = match[0].split(/\s+/).join(" ");
    const number = GLOSSARY.spellings[written] ?? GLOSSARY.spellings[written.toLowerCase()];
    if (number !== undefined) found.push({ number, start: match.index, end: match.index + match[0].length });
  }
  return found;
}

// All texts below `place`, within components too, but for what `without` names.
function* texts(place, without) {
  for (const node of place.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) yield node;
    else if (node.nodeType === Node.ELEMENT_NODE && !node.matches(without)) {
      if (node.shadowRoot && without === UNSEEN) yield* texts(node.shadowRoot, without);
      yield* texts(node, without);
    }
  }
}

const page = () => document.querySelector('[data-testid="stMain"]');

// --- the words of the page ---------------------------------------------------------------------------------

function make(name, text, more = {}) {
  return Object.assign(document.createElement(name), { textContent: text }, more);
}

function seeIt(term, pages, go) {
  const there = new URL(term.place, location.href);
  const here = new URLSearchParams(location.search);
  const seen = there.pathname === location.pathname && [...there.searchParams].every(([name, value]) => here.get(name) === value);
  if (seen) return "";
  const link = make("a", `See it: ${pages[term.page] ?? term.page}`, { href: term.place });
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(term.place);
  });
  return link;
}

function listWords(root, pages, go) {
  const numbers = new Set();
  for (const node of texts(page(), UNSEEN)) {
    if (node.getRootNode() !== root) for (const { number } of termsIn(node.data)) numbers.add(number);
  }
  const terms = [...numbers].map((number) => GLOSSARY.terms[number]).sort((a, b) => a.word.localeCompare(b.word));
  root.querySelector("#words dl").replaceChildren(...terms.flatMap((term) => {
    const said = make("dd", `${term.sentence} `);
    said.append(seeIt(term, pages, go));
    return [make("dt", term.word), said];
  }));
  root.querySelector("#words .none").hidden = terms.length > 0;
}

// --- a word where it first stands --------------------------------------------------------------------------

function markWords(marked) {
  marked.length = 0;
  const seen = new Set();
  for (const node of texts(page(), UNMARKED)) {
    for (const { number, start, end } of termsIn(node.data)) {
      if (seen.has(number)) continue;
      const range = document.createRange();
      range.setStart(node, start);
      range.setEnd(node, end);
      if (!range.getClientRects().length) continue; // folded away
      seen.add(number);
      marked.push({ number, range });
    }
  }
  CSS.highlights?.set("glossary", new Highlight(...marked.map(({ range }) => range)));
}

function wordAt(marked, event) {
  for (const { number, range } of marked) {
    if (range.startContainer.parentElement !== event.target) continue;
    for (const box of range.getClientRects()) {
      const inside = event.clientX >= box.left && event.clientX <= box.right
        && event.clientY >= box.top && event.clientY <= box.bottom;
      if (inside) return { number, box };
    }
  }
  return null;
}

function explain(root, pages, go) {
  const box = root.querySelector("#word");
  const marked = [];
  let scanning = null;
  let hiding = null;
  let shown = null;

  const hide = () => { shown = null; clearTimeout(hiding); if (box.matches(":popover-open")) box.hidePopover(); };
  const hideSoon = () => { clearTimeout(hiding); if (shown !== null) hiding = setTimeout(hide, HIDE_MS); };
  const show = (word) => {
    clearTimeout(hiding);
    if (shown === word.number) return;
    shown = word.number;
    const term = GLOSSARY.terms[word.number];
    const said = make("p", "");
    said.append(make("strong", term.word), ` ${term.sentence} `, seeIt(term, pages, go));
    box.replaceChildren(said);
    if (!box.matches(":popover-open")) box.showPopover();
    const left = Math.min(word.box.left, innerWidth - box.offsetWidth - 12);
    const below = word.box.bottom + 6;
    const fits = below + box.offsetHeight < innerHeight;
    box.style.left = `${Math.max(12, left)}px`;
    box.style.top = `${fits ? below : Math.max(6, word.box.top - box.offsetHeight - 6)}px`;
  };
  const moved = (event) => {
    if (event.pointerType !== "mouse") return;
    const word = wordAt(marked, event);
    page().style.cursor = word ? "help" : "";
    if (word) show(word);
    else hideSoon();
  };
  const tapped = (event) => {
    const word = wordAt(marked, event);
    if (word) show(word);
    else if (!event.composedPath().includes(box)) hide();
  };
  const pressed = (event) => { if (event.key === "Escape") hide(); };
  const soon = () => { scanning ??= setTimeout(() => { scanning = null; if (page()) markWords(marked); }, SCAN_MS); };

  box.addEventListener("pointerenter", () => clearTimeout(hiding));
  box.addEventListener("pointerleave", hideSoon);
  document.addEventListener("pointermove", moved, { passive: true });
  document.addEventListener("click", tapped);
  document.addEventListener("keydown", pressed);
  document.addEventListener("scroll", hide, { capture: true, passive: true });
  const watch = new MutationObserver(soon);
  watch.observe(page(), { childList: true, subtree: true, characterData: true });
  soon();
  return () => {
    clearTimeout(scanning);
    hide();
    watch.disconnect();
    document.removeEventListener("pointermove", moved);
    document.removeEventListener("click", tapped);
    document.removeEventListener("keydown", pressed);
    document.removeEventListener("scroll", hide, { capture: true });
    CSS.highlights?.delete("glossary");
  };
}

// --- the link ----------------------------------------------------------------------------------------------

// A browser gives its clipboard to pages that came encrypted; in a classroom's own network the old way still works.
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.select();
    return document.execCommand("copy");
  }
}

async function offerLink(root) {
  const field = root.querySelector("#link input");
  field.value = location.href;
  field.focus();
  const copied = await copy(field);
  field.select();
  root.querySelector("#link .said").textContent = copied ? "Copied." : "Copy this address:";
}

export default function (component) {
  const { parentElement: root, data, setTriggerValue } = component;
  const go = (place) => { root.querySelector("#words").hidePopover(); setTriggerValue("go", place); };
  const opened = (draw) => (event) => { if (event.newState === "open") draw(); };
  // Who closes a box by a key goes on where it was opened; browsers lose that place within a component.
  const leave = (event) => {
    if (event.key !== "Escape") return;
    event.currentTarget.hidePopover();
    root.querySelector(`[popovertarget="${event.currentTarget.id}"]`).focus();
  };
  const words = opened(() => listWords(root, data.pages, go));
  const link = opened(() => offerLink(root));
  const all = (event) => { event.preventDefault(); go("glossary"); };
  root.querySelector("#words").addEventListener("beforetoggle", words);
  root.querySelector("#link").addEventListener("toggle", link);
  for (const box of root.querySelectorAll("#words, #link")) box.addEventListener("keydown", leave);
  root.querySelector(".all").addEventListener("click", all);
  const listed = data.here === "glossary"; // all words stand there already
  root.querySelector(".open-words").hidden = listed;
  const end = listed ? () => {} : explain(root, data.pages, go);
  return () => {
    end();
    root.querySelector("#words").removeEventListener("beforetoggle", words);
    root.querySelector("#link").removeEventListener("toggle", link);
    for (const box of root.querySelectorAll("#words, #link")) box.removeEventListener("keydown", leave);
    root.querySelector(".all").removeEventListener("click", all);
  };
}

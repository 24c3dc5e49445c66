// The stages as blocks; a handle between them sets how many are frozen. Draws `data` from Python:
// {stages: [{name, parameters, output}], head: {parameters, output}, states: ["ice"|"fire"|"grey"], depth, adjustable,
// selected, selectable: [number]}
// `states` holds for a strategy that fixes what is frozen; an adjustable strip derives it from the depth. Where
// `selected` is a number, the strip is there to pick the stage that is looked at, one of `selectable`; one more
// state then is the head's.

const SETTLE_MS = 180; // Keys pressed quickly are sent as one change.
const ECHO_MS = 3000; // How long a change of ours outranks what the server still believes.

function millions(count) {
  if (count === 0) return "0";
  if (count < 1e4) return count.toLocaleString("en");
  if (count < 99500) return (count / 1e3).toFixed(0) + " k";
  return (count / 1e6).toFixed(count < 99.5e6 ? 2 : 0) + " M";
}

// Two shares that make 100 %, neither rounded away: 0.2 % and 99.8 %.
function shares(part, all) {
  const exact = 100 * part / all;
  let digits = 0;
  while (digits < 4 && Number(Math.min(exact, 100 - exact).toFixed(digits)) === 0) digits += 1;
  const rounded = exact.toFixed(digits);
  return [rounded + " %", (100 - rounded).toFixed(digits) + " %"];
}

function element(kind, className, text) {
  const made = document.createElement(kind);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export default function (component) {
  const { data, parentElement: root, setTriggerValue } = component;
  const memory = (root.stripMemory ??= { wanted: null, picked: null, until: 0, timer: null });
  const row = root.querySelector(".row");
  const list = root.querySelector(".stages");
  const handle = root.querySelector(".handle");
  const sentence = root.querySelector(".sentence");
  const { stages, head, adjustable, selectable } = data;
  const picking = data.selected !== null;
  const deepest = stages.length;

  if (memory.wanted !== null && (memory.wanted === data.depth || Date.now() > memory.until)) memory.wanted = null;
  let depth = adjustable && memory.wanted !== null ? memory.wanted : data.depth;

  // A pick shows at once; the server's answer confirms it.
  if (memory.picked !== null && (memory.picked === data.selected || Date.now() > memory.until)) memory.picked = null;
  const selected = () => memory.picked ?? data.selected;

  const stateOf = (index) => (adjustable ? (index < depth ? "ice" : "fire") : data.states[index]);

  // --- blocks -----------------------------------------------------------------------------------
  const shape = JSON.stringify([stages, head]);
  if (memory.shape !== shape) {
    memory.shape = shape;
    list.replaceChildren(
      ...[...stages, { name: head.name, parameters: head.parameters, output: head.output }].map((stage) => {
        const block = element("div", "stage");
        block.append(element("span", "icon"), element("span", "name", stage.name));
        const figures = element("span", "figures");
        figures.append(element("span", "", millions(stage.parameters) + " params"), element("span", "", stage.output));
        block.append(figures);
        return block;
      }),
    );
  }
  const blocks = [...list.children];

  function boundary(k) {
    // Where the handle stands for depth k, in pixels from the row's corner: between blocks k - 1 and k.
    const box = row.getBoundingClientRect();
    const upright = getComputedStyle(list).flexDirection === "column";
    const [near, far] = upright ? ["top", "bottom"] : ["left", "right"];
    const at = (index, side) => blocks[index].getBoundingClientRect()[side] - box[near];
    const after = at(k, near);
    return { upright, at: k === 0 ? after - 2 : (at(k - 1, far) + after) / 2 };
  }

  function place() {
    const { upright, at } = boundary(depth);
    handle.style.left = upright ? "" : at + "px";
    handle.style.top = upright ? at + "px" : "";
    handle.setAttribute("aria-orientation", upright ? "vertical" : "horizontal");
  }

  function describe() {
    if (picking) {
      const stage = stages[selected()];
      sentence.replaceChildren("You look at ", element("b", "", stage.name), ": " + data.about[selected()]);
      return sentence.textContent;
    }
    const states = blocks.slice(0, -1).map((_, index) => stateOf(index));
    const sum = (kind) => stages.reduce((total, one, i) => total + (states[i] === kind ? one.parameters : 0), 0);
    const frozen = states.filter((one) => one === "ice").length;
    const [ice, grey] = [sum("ice"), sum("grey")];
    const all = stages.reduce((total, one) => total + one.parameters, head.parameters);
    const parts = [];
    if (grey > 0) {
      parts.push(element("b", "grey", "Nothing is inherited"), ": all " + millions(all) + " parameters start at random and learn.");
    } else if (frozen === 0) {
      parts.push(element("b", "fire", "Nothing is frozen"), ": all " + millions(all) + " parameters learn.");
    } else {
      const [stay, learn] = shares(ice, all);
      parts.push(
        element("b", "ice", frozen + " of " + deepest + " stages frozen"),
        ": " + stay + " of " + millions(all) + " parameters stay as they are; ",
        element("b", "fire", learn + " learn"),
        ".",
      );
    }
    sentence.replaceChildren(...parts);
    return sentence.textContent;
  }

  function draw() {
    list.setAttribute("role", picking ? "group" : "list");
    if (picking) list.setAttribute("aria-label", "Stage to look at");
    blocks.forEach((block, index) => {
      const last = index === deepest;
      const state = last ? (picking ? (data.states[index] ?? data.states[0]) : "fire") : stateOf(index);
      block.className = "stage " + state + (last ? " head" : "");
      block.dataset.state = state;
      block.setAttribute("role", picking ? "button" : "listitem");
      block.title = last && !picking ? "The head is new, so it always learns." : "";
      if (picking) {
        const open = selectable.includes(index);
        block.classList.toggle("selected", index === selected());
        block.classList.toggle("closed", !open);
        block.tabIndex = open ? 0 : -1;
        block.setAttribute("aria-disabled", !open);
        block.setAttribute("aria-pressed", index === selected());
        block.title = open ? "Look at " + stages[index].name : "";
      }
      if (!last && adjustable) {
        block.title = state === "ice" ? "Thaw from here on" : "Freeze up to here";
      }
      const icon = block.querySelector(".icon");
      if (icon.dataset.state !== state) {
        icon.dataset.state = state;
        icon.replaceChildren(root.querySelector("template." + state).content.cloneNode(true));
      }
    });
    row.classList.toggle("fixed", !adjustable);
    row.classList.toggle("picking", picking);
    handle.setAttribute("aria-valuemax", deepest);
    handle.setAttribute("aria-valuenow", depth);
    handle.setAttribute("aria-valuetext", describe());
    place();
  }

  // --- changing the depth -----------------------------------------------------------------------
  function send() {
    clearTimeout(memory.timer);
    memory.timer = null;
    if (memory.wanted !== null && memory.wanted !== data.depth) setTriggerValue("depth", memory.wanted);
  }

  function choose(wanted, settle = SETTLE_MS) {
    const next = Math.max(0, Math.min(deepest, wanted));
    if (!adjustable || next === depth) return;
    depth = next;
    memory.wanted = next;
    memory.until = Date.now() + ECHO_MS;
    draw();
    clearTimeout(memory.timer);
    memory.timer = setTimeout(send, settle);
  }

  function nearest(event) {
    const box = row.getBoundingClientRect();
    const { upright } = boundary(0);
    const pointer = upright ? event.clientY - box.top : event.clientX - box.left;
    let best = 0;
    for (let k = 1; k <= deepest; k++) {
      if (Math.abs(boundary(k).at - pointer) < Math.abs(boundary(best).at - pointer)) best = k;
    }
    return best;
  }

  handle.onpointerdown = (event) => {
    if (!adjustable) return;
    event.preventDefault();
    handle.focus({ preventScroll: true });
    handle.setPointerCapture(event.pointerId);
    row.classList.add("dragging");
  };
  handle.onpointermove = (event) => {
    if (handle.hasPointerCapture(event.pointerId)) choose(nearest(event), 1000);
  };
  handle.onpointerup = handle.onpointercancel = () => {
    row.classList.remove("dragging");
    send();
  };
  handle.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -deepest, PageDown: deepest,
      Home: -deepest, End: deepest }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    choose(depth + step);
  };
  function pick(index) {
    if (!selectable.includes(index) || index === selected()) return;
    memory.picked = index;
    memory.until = Date.now() + ECHO_MS;
    draw();
    setTriggerValue("picked", index);
  }
  blocks.forEach((block, index) => {
    if (picking) {
      block.onclick = () => pick(index);
      block.onkeydown = (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        pick(index);
      };
      return;
    }
    block.onclick = index === deepest ? null : () => choose(stateOf(index) === "ice" ? index : index + 1, 0);
  });

  draw();
  memory.observer?.disconnect();
  memory.observer = new ResizeObserver(place);
  memory.observer.observe(row);
  return () => {
    memory.observer?.disconnect();
    clearTimeout(memory.timer);
  };
}

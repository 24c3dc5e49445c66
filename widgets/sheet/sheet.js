// One image, many cells. `data` from Python: {image, columns, labels, chosen, largest, smooth, clickable, about, note}.

export default function (component) {
  const { data, parentElement: root, setTriggerValue } = component;
  const frame = root.querySelector(".frame");
  const image = root.querySelector("img");
  const [chosenMark, hereMark] = ["chosen", "here"].map((name) => root.querySelector(".mark." + name));
  const label = root.querySelector(".label");
  const { columns, labels, clickable } = data;
  const rows = Math.ceil(labels.length / columns);
  // A choice shows at once; the server's answer confirms it.
  const memory = (root.sheetMemory ??= { wanted: null, image: null });
  if (memory.image !== data.image || memory.wanted === data.chosen) memory.wanted = null;
  memory.image = data.image;

  if (image.getAttribute("src") !== data.image) image.src = data.image;
  // What is one picture to the eye is as many things to a screen reader as there are cells, each with its words.
  // Where none can be chosen, keys still go from one to the next to show its words.
  frame.setAttribute("aria-readonly", !clickable);
  frame.setAttribute("aria-label", data.about);
  for (const cell of frame.querySelectorAll(".cell")) cell.remove();
  const cells = labels.map((words, number) => {
    const cell = document.createElement("div");
    cell.className = "cell";
    cell.id = "cell" + number;
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-label", words);
    place(cell, number);
    frame.append(cell);
    return cell;
  });
  frame.style.maxWidth = columns * data.largest + "px";
  frame.classList.toggle("sharp", !data.smooth);
  frame.classList.toggle("clickable", clickable);

  const chosen = () => memory.wanted ?? data.chosen;

  function place(mark, number) {
    const shown = number !== null && number !== undefined && number >= 0 && number < labels.length;
    mark.style.display = shown ? "block" : "none";
    if (!shown) return;
    mark.style.left = ((number % columns) / columns) * 100 + "%";
    mark.style.top = (Math.floor(number / columns) / rows) * 100 + "%";
    mark.style.width = 100 / columns + "%";
    mark.style.height = 100 / rows + "%";
  }

  function say(number) {
    frame.setAttribute("aria-activedescendant", cells[number ?? chosen() ?? -1]?.id ?? "");
    label.textContent = labels[number ?? chosen() ?? -1] ?? (data.note || (clickable ? "Click one to open it." : ""));
  }

  function select() {
    place(chosenMark, chosen());
    cells.forEach((cell, number) => cell.setAttribute("aria-selected", number === chosen()));
  }

  function under(event) {
    const box = frame.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const row = Math.floor(((event.clientY - box.top) / box.height) * rows);
    const number = row * columns + column;
    return column >= 0 && column < columns && number >= 0 && number < labels.length ? number : null;
  }

  function choose(number) {
    if (!clickable || number === null) return;
    memory.wanted = number;
    select();
    say(number);
    setTriggerValue("cell", number);
  }

  let here = null;
  function move(number) {
    here = number;
    place(hereMark, number);
    say(number);
  }

  frame.onpointermove = (event) => move(under(event));
  frame.onpointerleave = () => move(null);
  frame.onclick = (event) => choose(under(event));
  frame.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      const from = here ?? chosen() ?? 0;
      move(Math.max(0, Math.min(labels.length - 1, from + step)));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(here);
    }
  };
  frame.onblur = () => move(null);

  select();
  place(hereMark, null);
  say(null);
}

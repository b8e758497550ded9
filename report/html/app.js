// SPDX-License-Identifier: MIT
// What all pages with a flame graph have in common. Names come from a foreign process: they only
// ever become text, never markup.
//
// A mode is what one kind of page draws: `columns` of the rows in data.stacks behind kind and
// thread; `measures` by the id of their button, each { title, text(number) }; and functions:
// addTo(node, stack) its `sums`, widthOf(node), colourOf(node, style, frame), isMissing(stack) where
// it has no width, note(node, how many are missing), figuresOf(node), sites(stacks, frames) and
// showHead().
"use strict";
const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);

function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let unit = 0;
  while (Math.abs(number) >= 1023.5 && unit + 1 < units.length) { number /= 1024; unit++; }
  return `${number.toFixed(unit ? (unit > 2 ? 2 : 1) : 0)} ${units[unit]}`;
}
const sign = (number) => (number >= 0 ? "+" : "");
const count = (number) => Math.round(number).toLocaleString("en");
const endOf = (capture) =>
  (capture.unfinished ? "; the recording has not ended: it goes on, or was cut off" : "");
const labelOf = (name, file, line) =>
  `${name} (${file.slice(file.lastIndexOf("/") + 1) || "?"}${line ? ":" + line : ""})`;

function startPage(mode) {
  const ROW = 19, TEXT_PAD = 4;

  // Each stack names only the frames that differ from the one before it.
  const stacks = [];
  {
    let path = [];
    for (const [kind, thread, ...row] of data.stacks) {
      const shared = mode.columns.length;
      path = path.slice(0, row[shared]).concat(row.slice(shared + 1));
      const stack = { kind, thread, path };
      mode.columns.forEach((name, i) => { stack[name] = row[i]; });
      stacks.push(stack);
    }
  }

  const frames = data.frames.map(([name, file, line], i) => ({
    name, file, line, source: data.source ? data.source[i] : "",
    place: line ? `${file}:${line}` : file,
    label: labelOf(name, file, line),
    isLibrary: /(^|\/)(site-packages|dist-packages)\/|\/python3\.\d+\/|^<frozen /.test(file),
    isImport: /importlib/.test(file),
    hue: hash(file) % 36 - 18,
  }));

  function hash(text) {
    let sum = 7;
    for (let i = 0; i < text.length; i++) sum = (sum * 31 + text.charCodeAt(i)) >>> 0;
    return sum;
  }

  // -- the tree --

  const state = { measure: mode.first, search: "", isInverted: false, isOwn: false,
    isWithoutImports: false, isOld: false, kind: "", thread: "" };
  let root, zoomed, selected, hovered, rows = [], shown = [];
  const measureNow = () => mode.measures[state.measure];
  const widthOf = (node) => mode.widthOf(node, state);

  function makeNode(frame, parent) {
    const node = { frame, parent, depth: parent ? parent.depth + 1 : 0, children: new Map(),
      orders: {} };
    for (const name of mode.sums) node[name] = 0;
    return node;
  }

  function isShown(stack) {
    return (state.kind === "" || stack.kind === +state.kind) &&
      (state.thread === "" || stack.thread === +state.thread) &&
      !(state.isWithoutImports && stack.path.some((number) => frames[number].isImport));
  }

  function addStack(stack) {
    let node = root;
    mode.addTo(node, stack);
    const length = stack.path.length;
    for (let i = 0; i < length; i++) {
      const number = stack.path[state.isInverted ? length - 1 - i : i];
      if (state.isOwn && frames[number].isLibrary) continue;
      let child = node.children.get(number);
      if (!child) node.children.set(number, child = makeNode(number, node));
      node = child;
      mode.addTo(node, stack);
    }
  }

  function childrenOf(node) {
    return node.orders[state.measure + state.isOld] ||= [...node.children.values()]
      .filter((child) => widthOf(child) > 0).sort((a, b) => widthOf(b) - widthOf(a));
  }

  // The same place in a new tree, as far as it is still there.
  function follow(old) {
    const numbers = [];
    for (let node = old; node && node.parent; node = node.parent) numbers.push(node.frame);
    let node = root;
    for (const number of numbers.reverse()) {
      const child = node.children.get(number);
      if (!child || widthOf(child) <= 0) break;
      node = child;
    }
    return node;
  }

  function rebuild(isSamePlace = true) {
    const oldZoomed = zoomed, oldSelected = selected;
    root = makeNode(-1, null);
    shown = stacks.filter(isShown);
    shown.forEach(addStack);
    zoomed = isSamePlace ? follow(oldZoomed) : root;
    selected = oldSelected && isSamePlace ? follow(oldSelected) : null;
    if (selected === root) selected = null;
    hover(null);
    showAll();
  }

  // -- search --

  let hits = [];
  const isHit = (node) => node.frame >= 0 && hits[node.frame];

  // Find frames; what they hold together, each byte once.
  function find() {
    const wanted = state.search.toLowerCase();
    hits = wanted === "" ? [] : frames.map((frame) =>
      `${frame.name} ${frame.place}`.toLowerCase().includes(wanted));
    let sum = 0;
    const todo = wanted === "" ? [] : [root];
    while (todo.length) {
      const node = todo.pop();
      if (isHit(node)) sum += widthOf(node);
      else for (const child of childrenOf(node)) todo.push(child);
    }
    return sum;
  }

  // -- drawing --

  const canvas = at("canvas"), graph = at("graph"), pen = canvas.getContext("2d");
  let isQueued = false;
  function draw() {
    if (isQueued) return;
    isQueued = true;
    requestAnimationFrame(() => { isQueued = false; drawNow(); });
  }

  // Lay out what is at least half a pixel wide: rows of { x, width, node } from the left.
  function layOut(width) {
    rows = [];
    const put = (node, x, wide) => (rows[node.depth] ||= []).push({ x, width: wide, node });
    const above = [];
    for (let node = zoomed.parent; node; node = node.parent) above.push(node);
    for (const node of above.reverse()) put(node, 0, width);
    const scale = widthOf(zoomed) > 0 ? width / widthOf(zoomed) : 0;
    const todo = [[zoomed, 0]];
    while (todo.length) {
      const [node, x] = todo.pop();
      put(node, x, widthOf(node) * scale);
      let right = x;
      const boxes = [];
      for (const child of childrenOf(node)) {
        if (widthOf(child) * scale < 0.5) break; // and all that follow
        boxes.push([child, right]);
        right += widthOf(child) * scale;
      }
      while (boxes.length) todo.push(boxes.pop());
    }
  }

  function styleNow() {
    const style = getComputedStyle(document.documentElement), ret = { hues: {} };
    for (const name of ["paper", "ink", "line", "accent", "own", "library", "light", "colour"])
      ret[name] = style.getPropertyValue(`--${name}`).trim();
    return ret;
  }

  function drawNow() {
    const scale = window.devicePixelRatio || 1;
    const width = graph.clientWidth, height = graph.clientHeight;
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.style.height = `${height}px`;
    layOut(width);
    at("spacer").style.height = `${Math.max(rows.length * ROW - height, 0)}px`;
    const style = styleNow(), top = graph.scrollTop;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "12px system-ui, sans-serif";
    pen.textBaseline = "middle";
    const first = Math.max(Math.floor(top / ROW), 0);
    for (let depth = first; depth < rows.length && depth * ROW < top + height; depth++)
      for (const box of rows[depth] || []) drawBox(box, depth * ROW - top, style);
  }

  function drawBox({ x, width, node }, y, style) {
    const isAbove = node.depth < zoomed.depth;
    pen.globalAlpha = (state.search && !isHit(node)) || isAbove ? 0.4 : 1;
    pen.fillStyle = isHit(node) ? style.accent : mode.colourOf(node, style, frames[node.frame], state);
    pen.fillRect(x, y, Math.max(width - (width > 3 ? 1 : 0), 0.5), ROW - 1);
    pen.globalAlpha = 1;
    if (node === selected) {
      pen.strokeStyle = style.ink;
      pen.lineWidth = 2;
      pen.strokeRect(x + 1, y + 1, Math.max(width - 3, 1), ROW - 3);
    }
    if (width < 24) return;
    pen.fillStyle = isHit(node) ? style.paper : style.ink;
    const text = fitText(labelOfNode(node), width - 2 * TEXT_PAD);
    if (text) pen.fillText(text, x + TEXT_PAD, y + ROW / 2);
  }

  function labelOfNode(node) {
    return node.frame < 0 ? `all ${measureNow().text(widthOf(node))}`
      : frames[node.frame].label;
  }

  function fitText(text, width) {
    if (text.length > 400) text = text.slice(0, 400);
    if (pen.measureText(text).width <= width) return text;
    let low = 0, high = text.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (pen.measureText(text.slice(0, middle) + "\u2026").width <= width) low = middle;
      else high = middle - 1;
    }
    return low > 2 ? text.slice(0, low) + "\u2026" : "";
  }

  function boxAt(event) {
    const place = canvas.getBoundingClientRect();
    const row = rows[Math.floor((event.clientY - place.top + graph.scrollTop) / ROW)] || [];
    const x = event.clientX - place.left;
    return row.find((one) => x >= one.x && x < one.x + Math.max(one.width, 1));
  }

  // The frame under the mouse has a mark of its own: nothing is drawn anew for it.
  function hover(box) {
    const mark = at("mark");
    if ((box ? box.node : null) === hovered) return;
    hovered = box ? box.node : null;
    mark.hidden = !box;
    if (box)
      Object.assign(mark.style, { left: `${box.x}px`, top: `${box.node.depth * ROW}px`,
        width: `${Math.max(box.width - 1, 1)}px`, height: `${ROW - 1}px` });
    showStatus();
  }

  // -- what is written beside it --

  const percent = (value) =>
    `${widthOf(root) > 0 ? (100 * value / widthOf(root)).toFixed(1) : 0}%`;
  const share = (node) => percent(widthOf(node));

  function fill(element, ...texts) {
    element.replaceChildren(...texts.map((text) => {
      const cell = document.createElement("td");
      cell.textContent = text;
      return cell;
    }));
    return element;
  }

  function showStatus() {
    const node = hovered || selected || zoomed;
    const measure = measureNow();
    let text = `${measure.text(widthOf(node))}  ${share(node)}  `;
    text += node.frame < 0 ? "all" : `${frames[node.frame].name}  ${frames[node.frame].place}`;
    if (state.search) text = `found ${measure.text(found)}, ${percent(found)}  |  ${text}`;
    text += mode.note(node, missing, state);
    at("status").textContent = text;
  }

  // The innermost frame comes first. Callers are below in an inverted graph: the largest are told.
  function tracebackOf(node) {
    const path = [];
    for (let above = node; above.parent; above = above.parent) path.push(above);
    if (!state.isInverted) return path;
    path.reverse();
    for (let below = childrenOf(node)[0]; below; below = childrenOf(below)[0]) path.push(below);
    return path;
  }

  function showDetails() {
    at("details").hidden = !selected;
    if (!selected) return;
    const frame = frames[selected.frame];
    at("function").textContent = frame.name;
    at("place").textContent = frame.place;
    at("figures").replaceChildren(...[...mode.figuresOf(selected), ["share", share(selected)]]
      .map(([name, text]) => fill(document.createElement("tr"), text, name)));
    at("trace").replaceChildren(...tracebackOf(selected).map((node) => {
      const line = document.createElement("li");
      line.textContent = `${frames[node.frame].place} ${frames[node.frame].name}`;
      line.className = node === selected ? "here" : node.depth > selected.depth ? "likely" : "";
      if (frames[node.frame].source) {
        const code = document.createElement("div");
        code.textContent = frames[node.frame].source;
        line.append(code);
      }
      line.tabIndex = 0;
      line.addEventListener("click", () => zoomTo(node));
      return line;
    }));
    at("by_line").hidden = !frame.line;
    at("by_line").value = `leak:^${frame.place}$`;
    at("by_function").value = `leak:^${frame.name}$`;
  }

  function showSites() {
    at("sites_title").textContent = mode.sitesTitle(state);
    at("sites").replaceChildren(...mode.sites(shown, frames, state).map((site) => {
      const row = fill(document.createElement("tr"), site.text, site.label);
      row.title = site.title;
      row.className = site.className || "";
      row.tabIndex = 0;
      row.addEventListener("click", () => search(site.wanted));
      return row;
    }));
  }

  let found = 0, missing = 0;
  function showAll() {
    found = find();
    missing = shown.filter((stack) => mode.isMissing(stack, state)).length;
    for (const id of Object.keys(mode.measures)) press(id, state.measure === id);
    press("old", state.isOld);
    press("invert", state.isInverted);
    press("own", state.isOwn);
    press("imports", state.isWithoutImports);
    showStatus();
    showDetails();
    showSites();
    draw();
  }

  function press(id, isPressed) {
    at(id).setAttribute("aria-pressed", isPressed);
  }

  // -- what a person does --

  function zoomTo(node) {
    zoomed = node;
    selected = node.parent ? node : null;
    hover(null);
    showStatus();
    showDetails();
    draw();
  }

  function search(text) {
    at("search").value = state.search = text;
    showAll();
  }

  function select(node) {
    if (!node || !node.parent) return;
    selected = node;
    hover(null);
    let outer = zoomed;
    while (outer.parent && !isWithin(node, outer)) outer = outer.parent;
    zoomed = outer;
    const y = node.depth * ROW;
    if (y < graph.scrollTop) graph.scrollTop = y;
    if (y + ROW > graph.scrollTop + graph.clientHeight)
      graph.scrollTop = y + ROW - graph.clientHeight;
    showStatus();
    showDetails();
    draw();
  }

  function isWithin(node, outer) {
    while (node && node !== outer) node = node.parent;
    return node === outer;
  }

  function sibling(step) {
    const node = selected || zoomed;
    if (!node.parent) return node;
    const all = childrenOf(node.parent);
    return all[Math.min(Math.max(all.indexOf(node) + step, 0), all.length - 1)];
  }

  function flip(name) {
    state[name] = !state[name];
    rebuild(name === "isWithoutImports" || name === "isOld"); // the others make another tree
  }
  function measure(name) {
    state.measure = name;
    while (zoomed.parent && widthOf(zoomed) <= 0) zoomed = zoomed.parent;
    if (selected && widthOf(selected) <= 0) selected = null;
    hover(null);
    showAll();
  }
  const whole = () => { search(""); zoomTo(root); };

  function setTheme(isDark) {
    document.documentElement.classList.toggle("dark", isDark);
    at("theme").textContent = isDark ? "light" : "dark";
    draw();
  }
  const flipTheme = () => setTheme(!document.documentElement.classList.contains("dark"));

  const KEYS = {
    "/": () => at("search").focus(), i: () => flip("isInverted"), o: () => flip("isOwn"),
    m: () => flip("isWithoutImports"), d: flipTheme, Escape: whole,
    k: () => at("kind").focus(), t: () => at("thread").focus(),
    ArrowUp: () => select((selected || zoomed).parent),
    ArrowDown: () => select(childrenOf(selected || zoomed)[0]),
    ArrowLeft: () => select(sibling(-1)), ArrowRight: () => select(sibling(1)),
    Enter: () => zoomTo(selected || root),
  };

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target === at("search")) {
      if (event.key === "Escape") whole();
      if (event.key === "Escape" || event.key === "Enter") graph.focus();
      return;
    }
    if (event.target.tagName === "SELECT") { // letters find a choice
      if (event.key === "Escape") graph.focus();
      return;
    }
    if (event.key === "Enter" && /^(TR|LI)$/.test(event.target.tagName)) {
      event.target.click();
      return;
    }
    const isControl = /^(BUTTON|INPUT)$/.test(event.target.tagName);
    const action = KEYS[event.key];
    if (!action || (isControl && (event.key === "Enter" || event.key.startsWith("Arrow")))) return;
    event.preventDefault();
    action();
  }

  function fillChoice(select, all, names) {
    for (const [value, text] of [["", all], ...names.map((name, i) => [String(i), name])]) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = text;
      select.append(option);
    }
    select.hidden = names.length < 2;
    select.addEventListener("change", () => { state[select.id] = select.value; rebuild(); });
  }

  fillChoice(at("kind"), "all kinds", data.kinds);
  fillChoice(at("thread"), "all threads", data.threads);
  Object.keys(mode.measures).forEach((id, i) => {
    at(id).hidden = false;
    at(id).addEventListener("click", () => measure(id));
    KEYS[i + 1] = () => measure(id);
  });
  if (mode.hasOld) {
    at("old").hidden = false;
    at("old").addEventListener("click", () => flip("isOld"));
    KEYS.w = () => flip("isOld");
  }
  at("invert").addEventListener("click", () => flip("isInverted"));
  at("own").addEventListener("click", () => flip("isOwn"));
  at("imports").addEventListener("click", () => flip("isWithoutImports"));
  at("reset").addEventListener("click", whole);
  at("theme").addEventListener("click", flipTheme);
  at("search").addEventListener("input", () => search(at("search").value));
  for (const id of ["by_line", "by_function"])
    at(id).addEventListener("focus", () => at(id).select());
  document.addEventListener("keydown", onKey);
  graph.addEventListener("scroll", draw);
  canvas.addEventListener("click", (event) => {
    const box = boxAt(event);
    if (box) zoomTo(box.node);
  });
  canvas.addEventListener("mousemove", (event) => hover(boxAt(event)));
  canvas.addEventListener("mouseleave", () => hover(null));
  new ResizeObserver(draw).observe(graph);

  mode.showHead();
  setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
  rebuild(false);
  graph.focus();
  return { stacks, state, rebuild, whole, keys: KEYS };
}

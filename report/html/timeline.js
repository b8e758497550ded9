// SPDX-License-Identifier: MIT
// The chart of live bytes and RSS over time. The range that is chosen on it is what stacks grew in.
//
// data.timeline: `begin`, in seconds; `seconds`, `live` and `rss` of some instants; `courses`: the number of a row of
// data.stacks, then pairs of an instant and what the stack holds from then on; `others`: the same by
// kind of memory, of all stacks together that have no course.

// The others are one more stack of each kind, of no thread.
function addOtherStacks() {
  const { courses, others } = data.timeline;
  if (!others.length) return;
  data.frames.push(["[other stacks]", "", 0]);
  for (const [kind, ...course] of others) {
    courses.push([data.stacks.length, ...course]);
    data.stacks.push([kind, -1, 0, 0, 0, 0, 0, data.frames.length - 1]);
  }
}

function startTimeline(page) {
  const { begin: start, seconds, live, rss, courses } = data.timeline;
  const WIDTH = 1000, HEIGHT = 100, DRAG_MIN = 4; // pixels
  const first = start > 0 ? 0 : -1; // what was live at a late start did not come then
  const last = seconds.length - 1, length = seconds[last] - start || 1;
  const chart = at("chart");
  let measureBefore = page.state.measure;
  let range = null; // instants: what is in it came after the first one; -1 is the attach

  function shape(name, attributes) {
    const element = document.createElementNS(chart.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    chart.append(element);
    return element;
  }

  // -- time --

  const secondsAt = (instant) => (instant < 0 ? start : seconds[instant]);
  const placeOf = (instant) => WIDTH * (secondsAt(instant) - start) / length;

  function nearest(share) {
    const wanted = start + Math.min(Math.max(share, 0), 1) * length;
    let best = first;
    for (let i = 0; i <= last; i++)
      if (Math.abs(seconds[i] - wanted) < Math.abs(secondsAt(best) - wanted)) best = i;
    return best;
  }

  function clock(instant) {
    const whole = Math.ceil(secondsAt(instant)), two = (number) => String(number).padStart(2, "0");
    return `${two(Math.floor(whole / 3600))}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  }

  // -- the graph --

  function valueAt(course, instant) {
    let value = 0;
    for (let i = 1; i < course.length && course[i] <= instant; i += 2) value = course[i + 1];
    return value;
  }

  function choose(begin, finish) {
    if (begin >= finish || (range && range[0] === begin && range[1] === finish)) return;
    if (!range) measureBefore = page.state.measure;
    range = [begin, finish];
    page.state.measure = "range";
    countRange();
  }

  function giveUp() {
    if (!range) return false;
    range = null;
    if (page.state.measure === "range") page.state.measure = measureBefore;
    countRange();
    return true;
  }

  // Without a range, it is all the time.
  function countRange() {
    const [begin, finish] = range || [first, last];
    for (const course of courses)
      page.stacks[course[0]].range = valueAt(course, finish) - valueAt(course, begin);
    page.rebuild();
    show();
  }

  // -- the chart --

  function line(className, values) {
    const most = Math.max(...values, 1);
    const points = values.map((value, i) =>
      `${placeOf(i).toFixed(1)} ${(HEIGHT - 2 - (HEIGHT - 6) * value / most).toFixed(1)}`);
    if (className === "live" && first < 0) points.unshift(`0 ${HEIGHT - 2}`);
    shape("path", { class: className, d: `M${points.join("L")}` });
  }

  const change = (values, [begin, finish]) => {
    const difference = values[finish] - (begin < 0 ? 0 : values[begin]);
    return `${sign(difference)}${bytes(difference)}`;
  };

  let mark;
  function show() {
    const [begin, finish] = range || [first, first];
    mark.setAttribute("x", placeOf(begin));
    mark.setAttribute("width", placeOf(finish) - placeOf(begin));
    const isRssKnown = rss.some((value) => value > 0);
    let text = `live bytes (line) up to ${bytes(Math.max(...live))}`;
    if (isRssKnown) text += `, RSS (dashes) up to ${bytes(Math.max(...rss))}`;
    if (!range) text += `, in ${clock(last)}: drag to choose a range`;
    if (range) {
      text = `from ${clock(begin)} to ${clock(finish)}: live ${change(live, range)}`;
      // What was there at the attach did not come in the range.
      if (isRssKnown) text += `, RSS ${change(rss, [Math.max(begin, 0), finish])}`;
      text += "; Esc: all the time";
    }
    at("range_text").textContent = text;
  }

  // -- what a person does --

  let from = null; // where the mouse was pressed
  const shareOf = (event) => {
    const place = chart.getBoundingClientRect();
    return (event.clientX - place.left) / place.width;
  };

  function drag(event) {
    if (!from || Math.abs(event.clientX - from.x) < DRAG_MIN) return;
    const here = nearest(shareOf(event)), there = nearest(from.share);
    choose(Math.min(here, there), Math.max(here, there));
  }

  chart.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    from = { x: event.clientX, share: shareOf(event) };
    chart.setPointerCapture(event.pointerId);
  });
  chart.addEventListener("pointermove", drag);
  chart.addEventListener("pointerup", (event) => {
    if (from && Math.abs(event.clientX - from.x) < DRAG_MIN) giveUp();
    from = null;
  });
  chart.addEventListener("pointercancel", () => { from = null; });

  chart.addEventListener("keydown", (event) => {
    const [begin, finish] = range || [first, last];
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10,
      Home: -seconds.length, End: seconds.length };
    const by = moves[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.shiftKey) choose(Math.min(Math.max(begin + by, first), finish - 1), finish);
    else choose(begin, Math.min(Math.max(finish + by, begin + 1), last));
  });

  const whole = page.keys.Escape;
  page.keys.Escape = () => { if (!giveUp()) whole(); };
  page.keys.r = () => chart.focus();

  at("past").hidden = false;
  if (rss.some((value) => value > 0)) line("rss", rss);
  line("live", live);
  mark = shape("rect", { class: "chosen", y: 0, height: HEIGHT });
  at("keys").textContent = at("keys").textContent.replace("1 2 3: measure",
    "1 2 3 4: measure; r: choose a range of time");
  countRange();
}

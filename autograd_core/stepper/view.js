// The stepper's view: a picture, a bar of controls, and a panel that shows the rule at work. No dependencies, no network.
// It is written into a page as it stands, and shared with the Jupyter widget.
//
// data = {
//   nodes:  [{name, math, data, op, inputs, rule, constant}]   in topological order; math is MathML
//   events: [[node], ...                                       forward: node i is event i
//            [node, input, position, adjoint, partial or null, contribution, total], ...]   backward
//   rules:  [{value, partials}]                                MathML with slots ⟦0⟧, ⟦1⟧, ... ⟦y⟧ for operands and result
//   levels: [{title, svg, boxes, circles, edges}]              the same graph folded to different depths
//   level:  which of them is shown first
// }
// Numbers are strings, made by Python, so that what is shown is what was computed.
export function mount(root, data, {step = 0, onStep = () => {}} = {}) {
  const {nodes, events, rules, levels} = data;
  const last = events.length - 1, result = nodes.length - 1;
  const finished = nodes.map((_, i) => i === result ? result : Infinity); // the event that completes each node's adjoint
  events.forEach((event, k) => { if (event.length > 1) finished[event[1]] = k; });

  const users = nodes.map(() => []); // the nodes that each is an input of
  nodes.forEach((node, n) => node.inputs.forEach(i => users[i].push(n)));

  const stop = new AbortController();
  const on = (element, name, handler, options) => element.addEventListener(name, handler, {signal: stop.signal, ...options});

  root.classList.add("stepper");
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Computation graph, step by step");
  root.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab then leaves our keys alone
  root.innerHTML = `
    <div class="bar">
      <button type="button" data-act="prev" title="Previous step (left arrow)" aria-label="Previous step">◀</button>
      <button type="button" data-act="next" title="Next step (right arrow)" aria-label="Next step">▶</button>
      <button type="button" data-act="play" title="Play or pause (space)">Play</button>
      <label>Speed <select data-act="speed"><option value="0.5">½×</option><option value="1" selected>1×</option><option value="2">2×</option><option value="5">5×</option></select></label>
      <input type="range" data-act="slider" min="0" max="${last}" value="0" aria-label="Step">
      <output class="count"></output>
    </div>
    <div class="bar tools">
      <button type="button" data-act="out" title="Zoom out (-)" aria-label="Zoom out">−</button>
      <button type="button" data-act="in" title="Zoom in (+)" aria-label="Zoom in">+</button>
      <button type="button" data-act="fit" title="Show all of it (0)">Fit</button>
      <label>Detail <select data-act="fold"></select></label>
      <label>Search <input type="search" data-act="search" placeholder="label, op, number" size="14"></label>
      <output class="found"></output>
    </div>
    <div class="picture"></div>
    <div class="panel"></div>
    <p class="spoken" aria-live="polite"></p>`;
  const $ = selector => root.querySelector(selector);
  const picture = $(".picture"), panel = $(".panel"), spoken = $(".spoken"), slider = $("[data-act=slider]");
  const act = name => $(`[data-act=${name}]`);
  levels.forEach((level, i) => act("fold").add(new Option(level.title, i)));
  act("fold").closest("label").hidden = levels.length < 2;
  root.querySelector(".tools").hidden = levels.length === 0;

  // ------------------------------------------------------------ the picture

  let level = null, svg = null, parts = new Map(), home = null;

  function show_level(index) {
    level = levels[index];
    act("fold").value = index;
    picture.innerHTML = level.svg.slice(level.svg.indexOf("<svg"));
    svg = picture.querySelector("svg");
    svg.removeAttribute("width");
    svg.removeAttribute("height");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `Computation graph of ${nodes.length} values`);
    const box = svg.viewBox.baseVal;
    home = [box.x, box.y, box.width, box.height];
    root.dataset.level = index;
    parts = new Map();
    const elements = new Map([...svg.querySelectorAll("g[id]")].map(element => [element.id, element]));
    const part = (kind, id) => {
      if (!parts.has(id)) {
        const element = elements.get(id), texts = element.querySelectorAll("text");
        element.querySelector("title")?.remove(); // Graphviz's own name for it
        parts.set(id, {kind, element, members: [], edges: [], look: "", data: texts[texts.length - 2], grad: texts[texts.length - 1]});
      }
      return parts.get(id);
    };
    level.boxes.forEach((id, i) => part(id === `v${i}` ? "box" : "folded", id).members.push(i));
    level.circles.forEach((id, i) => {
      if (!id) return;
      part("circle", id).members.push(i);
      part("circle", "e" + id.slice(1)).members.push(i); // the edge from it to its box
    });
    for (const [key, id] of Object.entries(level.edges)) part("edge", id).edges.push(key.split("-").map(Number));
    parts.forEach(p => p.kind === "edge" || explain(p));
    for (const p of parts.values()) p.outputs = p.kind === "folded" ? p.members.filter(i => i === result || users[i].some(n => level.boxes[n] !== level.boxes[i])) : [];
  }

  // What a part of the picture is, for those who point at it.
  function explain({kind, element, members}) {
    const title = document.createElementNS("http://www.w3.org/2000/svg", "title");
    const node = nodes[members[0]];
    title.textContent = kind === "folded" ? `${members.length} values in one box`
      : kind === "circle" ? `${node.op} makes ${node.name}` : node.op ? `${node.name}, made by ${node.op}` : node.name;
    element.prepend(title);
  }

  // The state at an event follows from all events up to it, so that going back is exact.
  function state_at(k) {
    const grads = new Array(nodes.length).fill(null);
    if (k >= result) grads[result] = "1";
    for (let e = nodes.length; e <= k; e++) grads[events[e][1]] = events[e][6];
    return grads;
  }

  function paint() {
    const event = events[step], backward = event.length > 1, grads = state_at(step);
    const ends = new Set(backward ? [event[0], event[1]] : [event[0], ...nodes[event[0]].inputs]);
    const passed = ([n, k]) => backward ? order_of(n, k) <= step : n <= step;
    const active = ([n, k]) => n === event[0] && (!backward || k === event[2]);
    for (const p of parts.values()) {
      let done, now;
      if (p.kind === "edge") {
        done = p.edges.every(passed);
        now = p.edges.some(active);
      } else {
        done = p.members.every(i => backward ? finished[i] <= step || nodes[i].constant : i <= step);
        now = p.kind === "circle" ? p.members[0] === event[0] : p.members.some(i => ends.has(i));
      }
      const look = now ? "now" : done ? "done" : "pending";
      if (p.look !== look) {
        p.element.classList.remove("now", "done", "pending");
        p.element.classList.add(look);
        p.look = look;
      }
      if (p.kind === "box" && !nodes[p.members[0]].constant) {
        const i = p.members[0];
        write(p.data, `data ${i <= step ? nodes[i].data : "·"}`);
        write(p.grad, `grad ${grads[i] ?? "-"}`);
      } else if (p.kind === "folded") {
        write(p.data, `data ${span(p.outputs.map(i => i <= step ? nodes[i].data : null), "·")}`);
        write(p.grad, `grad ${span(p.outputs.map(i => grads[i]), "-")}`);
      }
    }
  }

  function span(numbers, none) {
    const known = numbers.filter(text => text !== null).sort((a, b) => a - b);
    if (!known.length) return none;
    return known[0] === known.at(-1) ? known[0] : `${known[0]} … ${known.at(-1)}`;
  }

  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  const places = new Map();
  events.forEach((event, k) => { if (event.length > 1) places.set(`${event[0]}-${event[2]}`, k); });
  const order_of = (n, k) => places.get(`${n}-${k}`);

  // ------------------------------------------------------------ the panel

  const mn = text => /^-/.test(text) ? `<mrow><mo>(</mo><mo form="prefix">−</mo><mn>${text.slice(1)}</mn><mo>)</mo></mrow>` : `<mn>${text}</mn>`;
  const signed = text => /^-/.test(text) ? `<mrow><mo form="prefix">−</mo><mn>${text.slice(1)}</mn></mrow>` : `<mn>${text}</mn>`;
  const math = inner => `<math display="block"><mrow>${inner}</mrow></math>`;
  const d = (above, below) => `<mfrac><mrow><mo>∂</mo>${above}</mrow><mrow><mo>∂</mo>${below}</mrow></mfrac>`;
  const opens = /(^|<mrow>|<mtd>|[([{|,]<\/mo>)$/; // where a minus sign needs no brackets, unless a power follows
  const fill = (template, node, shown) => template.replace(/⟦(\d+|y)⟧/g, (_, slot, at) => {
    const before = template.slice(0, at), first = opens.test(before) && !before.endsWith("<msup><mrow>");
    return shown(slot === "y" ? node : nodes[node.inputs[slot]], first ? signed : mn);
  });
  const in_symbols = (template, node) => fill(template, node, (operand, number) => operand.constant ? number(operand.data) : operand.math);
  const in_numbers = (template, node) => fill(template, node, (operand, number) => number(operand.data));
  const escape = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);

  function forward_panel(node) {
    if (!node.op) return math(`${node.math}<mo>=</mo>${signed(node.data)}`) + `<p>${node.constant ? "A constant" : "A leaf"}: its number is given.</p>`;
    const rule = rules[node.rule].value;
    const seed = node === nodes[result] ? `<p>All numbers are known. The sweep starts here, with</p>${math(`${d(node.math, node.math)}<mo>=</mo><mn>1</mn>`)}` : "";
    return math(`${node.math}<mo>=</mo>${in_symbols(rule, node)}`) + math(`<mo>=</mo>${in_numbers(rule, node)}`) + math(`<mo>=</mo>${signed(node.data)}`) + seed;
  }

  function backward_panel([n, i, position, adjoint, partial, contribution, total]) {
    const node = nodes[n], input = nodes[i], y = nodes[result].math;
    const target = d(y, input.math), outer = d(y, node.math), local = d(node.math, input.math);
    if (partial === null) {
      const why = input.constant ? `${escape(input.data)} is a constant: it takes no gradient.` : `${escape(node.op)} lets no gradient through to this operand.`;
      return math(`${local}<mtext> does not count</mtext>`) + `<p>${why}</p>`;
    }
    const slope = rules[node.rule].partials[position];
    const product = +contribution === 0 && +adjoint * +partial !== 0 ? `<p>The flat side of a kink, or an adjoint of 0, lets nothing through.</p>` : "";
    const symbols = in_symbols(slope, node), numbers = in_numbers(slope, node);
    const worked = numbers === `<mrow>${signed(partial)}</mrow>` ? "" : `<mo>=</mo>${numbers}`;
    const evaluated = symbols === numbers ? "" : math(`${worked}<mo>=</mo>${signed(partial)}`);
    return math(`${target}<mo lspace=".3em" rspace=".3em">+=</mo>${outer}<mo>·</mo>${local}`)
      + math(`${local}<mo>=</mo>${symbols}`) + evaluated
      + math(`${target}<mo lspace=".3em" rspace=".3em">+=</mo>${mn(adjoint)}<mo>·</mo>${mn(partial)}<mo>=</mo>${signed(contribution)}`)
      + product + sum_so_far(i, target, total);
  }

  function sum_so_far(i, target, total) {
    const all = events.map((event, k) => [event, k]).filter(([event]) => event.length > 1 && event[1] === i);
    if (all.length < 2) return math(`${target}<mo>=</mo>${signed(total)}`);
    const arrived = all.filter(([, k]) => k <= step), shown = arrived.slice(-3);
    const terms = shown.map(([event]) => mn(event[5])).join("<mo>+</mo>");
    const more = all.length - arrived.length;
    return math(`${target}<mo>=</mo>${arrived.length > shown.length ? "<mo>⋯</mo><mo>+</mo>" : ""}${terms}<mo>=</mo>${signed(total)}`)
      + `<p>${arrived.length} of ${all.length} uses have sent their share${more ? `; ${more} to come` : ": this gradient is complete"}.</p>`;
  }

  function sentence(event) {
    const node = nodes[event[0]];
    if (event.length === 1) return `${node.name} ${node.op ? `is ${node.op} of ${node.inputs.map(i => nodes[i].name).slice(0, 6).join(", ")}` : "is given"}: ${node.data}`;
    const input = nodes[event[1]];
    if (event[4] === null) return `nothing flows from ${node.name} to ${input.name}`;
    return `from ${node.name} to ${input.name}: ${event[3]} times ${event[4]} is ${event[5]}; gradient of ${input.name} so far ${event[6]}`;
  }

  // ------------------------------------------------------------ stepping

  function show(k, silent) {
    step = Math.max(0, Math.min(last, k));
    const event = events[step], phase = event.length > 1 ? "backward" : "forward";
    if (svg) paint();
    root.dataset.step = step;
    root.dataset.phase = phase;
    slider.value = step;
    const said = sentence(event);
    slider.setAttribute("aria-valuetext", `step ${step}: ${said}`);
    write($(".count"), `${step} / ${last} ${phase}`);
    write(spoken, `Step ${step}, ${phase}: ${said}`);
    panel.innerHTML = phase === "forward" ? forward_panel(nodes[event[0]]) : backward_panel(event);
    if (zoomed()) reveal(event);
    if (!silent) onStep(step);
  }

  let timer = null;
  function play(wanted) {
    clearInterval(timer);
    timer = wanted ? setInterval(() => step < last ? show(step + 1) : play(false), 900 / act("speed").value) : null;
    act("play").textContent = wanted ? "Pause" : "Play";
    act("play").setAttribute("aria-pressed", wanted);
  }

  // A click on a node goes to the next event that it has a part in, and round again.
  function visit(id) {
    const p = parts.get(id);
    if (!p) return;
    const concerns = event => p.kind === "edge" ? p.edges.some(([n, k]) => event[0] === n && (event.length === 1 || event[2] === k))
      : p.members.some(i => i === (event.length > 1 ? event[1] : event[0]));
    for (let ahead = 1; ahead <= events.length; ahead++) {
      const k = (step + ahead) % events.length;
      if (concerns(events[k])) return show(k);
    }
  }

  // ------------------------------------------------------------ zoom, pan, search

  const view = () => { const box = svg.viewBox.baseVal; return [box.x, box.y, box.width, box.height]; };
  const set_view = box => svg.setAttribute("viewBox", box.join(" "));
  const zoomed = () => svg && view()[2] < 0.99 * home[2];

  function zoom(factor, fx = 0.5, fy = 0.5) {
    if (!svg) return;
    const [x, y, w, h] = view();
    const scale = Math.min(factor, 1.5 * home[2] / w);
    set_view([x + w * (1 - scale) * fx, y + h * (1 - scale) * fy, w * scale, h * scale]);
  }

  // Zoomed in, the box that changes is brought into view.
  function reveal(event) {
    const frame = svg.getBoundingClientRect();
    const box = parts.get(level.boxes[event.length > 1 ? event[1] : event[0]]).element.getBoundingClientRect();
    if (box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom) return;
    const [x, y, w, h] = view(), unit = Math.max(w / frame.width, h / frame.height);
    set_view([x + (box.left + box.right - frame.left - frame.right) / 2 * unit, y + (box.top + box.bottom - frame.top - frame.bottom) / 2 * unit, w, h]);
  }

  function search(onwards) {
    const wanted = act("search").value.trim().toLowerCase();
    const hits = !wanted ? [] : nodes.map((_, i) => i).filter(i => [nodes[i].name, nodes[i].op ?? "", nodes[i].data].some(text => text.toLowerCase().includes(wanted)));
    const found = new Set(hits);
    for (const p of parts.values()) p.element.classList.toggle("match", /box|folded/.test(p.kind) && p.members.some(i => found.has(i)));
    write($(".found"), wanted ? `${hits.length} found` : "");
    if (onwards && hits.length) show(hits.find(i => i > step) ?? hits[0]);
  }

  let drag = null;
  on(picture, "pointerdown", e => { if (svg && e.button === 0) drag = {x: e.clientX, y: e.clientY, view: view(), moved: false}; });
  on(window, "pointermove", e => {
    if (!drag) return;
    const dx = e.clientX - drag.x, dy = e.clientY - drag.y;
    if (Math.hypot(dx, dy) < 4 && !drag.moved) return;
    drag.moved = true;
    const frame = svg.getBoundingClientRect(), unit = Math.max(drag.view[2] / frame.width, drag.view[3] / frame.height);
    set_view([drag.view[0] - dx * unit, drag.view[1] - dy * unit, drag.view[2], drag.view[3]]);
  });
  on(window, "pointerup", e => {
    const moved = drag?.moved;
    drag = null;
    if (moved || !picture.contains(e.target)) return;
    const id = e.target.closest?.("g.node, g.edge, g.cluster")?.id;
    if (id) visit(id);
  });
  on(picture, "wheel", e => {
    if (!svg || !(e.ctrlKey || e.metaKey)) return; // a plain wheel scrolls the page
    e.preventDefault();
    const frame = svg.getBoundingClientRect();
    zoom(e.deltaY > 0 ? 1.2 : 1 / 1.2, (e.clientX - frame.left) / frame.width, (e.clientY - frame.top) / frame.height);
  }, {passive: false});

  const buttons = {prev: () => show(step - 1), next: () => show(step + 1), play: () => play(!timer),
    in: () => zoom(1 / 1.25), out: () => zoom(1.25), fit: () => svg && set_view(home)};
  on(root, "click", e => buttons[e.target.closest?.("button")?.dataset.act]?.());
  on(slider, "input", () => show(+slider.value));
  on(act("speed"), "change", () => timer && play(true));
  on(act("fold"), "change", () => { show_level(+act("fold").value); show(step, true); search(false); });
  on(act("search"), "input", () => search(false));

  const keys = {ArrowRight: buttons.next, ArrowLeft: buttons.prev, Home: () => show(0), End: () => show(last), " ": buttons.play,
    "+": buttons.in, "-": buttons.out, 0: buttons.fit};
  on(root, "keydown", e => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target === act("search")) {
      if (e.key === "Enter") search(true);
      return e.stopPropagation();
    }
    if (e.target.tagName === "SELECT" || (e.key === " " && e.target.tagName === "BUTTON") || !keys[e.key]) return;
    keys[e.key]();
    e.preventDefault(); // the slider, or the notebook, would also act on it
    e.stopPropagation();
  });

  if (levels.length) show_level(data.level);
  show(step, true);
  return {show: k => show(k, true), destroy: () => { play(false); stop.abort(); }};
}

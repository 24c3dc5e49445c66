// The game itself. `data` from Python: {rule, rides: [{start, gusts, hand}], nobody and ridden: {name: [seconds]}, visit, dark}.
// A finished ride goes back as trigger "ride": {machine, ride, inputs as run lengths, visit}.

const COUNT_SECONDS = 1.65;
const MOST_SECONDS_A_FRAME = 0.1; // a machine that stalls makes time slower, not jumpy
const DEMO_DELAY = 16; // steps: the simulated rider of the opening picture reacts as late as people do
const DEMO_HAND = 0.6;

function makeGame(root) {
  const $ = (selector) => root.querySelector(selector);
  const nodes = {
    game: $(".game"), tabs: $(".tabs"), behind: $(".behind"), picture: $(".behind canvas"), plan: $(".above canvas"), clock: $(".clock b"),
    whole: $(".clock span"), hand: $(".hand .words"), bar: $(".bar i"), count: $(".count"), verdict: $(".verdict"), detail: $(".detail"),
    go: $(".go"), again: $(".again"), hint: $(".hint"), angles: $(".angles"), slider: $(".handlebar"), groove: $(".groove"), grip: $(".grip"),
  };
  const game = {
    phase: "demo", machine: 0, ride: null, frames: [], costs: [], latency: [], pressed: null,
    level: 0, keys: { left: false, right: false }, drag: null, nodes,
  };
  // Who wants less motion rides on the spot: the machine leans and turns, the world stands still.
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const finger = matchMedia("(pointer: coarse)").matches;
  let data, rule, send, last = null, spare = 0, frame = null, sizes = [], sharpest = 2, ratio = 1;
  let demo = null, world = null, fall = null, counting = 0, shake = 0, time = 0, slow = 0;

  const mount = () => rule.mounts[game.machine];
  const ridden = (name = mount().name) => game.ridden[name] ?? [];
  const conditions = (index) => data.rides[Math.min(index, data.rides.length - 1)];

  // --- what Python says ---------------------------------------------------------------------------
  game.update = (component) => {
    ({ data } = component);
    rule = data.rule;
    game.data = data;
    send = component.setTriggerValue;
    nodes.whole.textContent = `of ${(rule.steps * rule.dt).toFixed(0)} s`;
    if (game.visit !== data.visit) {
      game.visit = data.visit;
      game.ridden = {};
      game.machine = 0;
      for (const one of rule.mounts) game.ridden[one.name] = [...(data.ridden[one.name] ?? [])];
      const open = rule.mounts.findIndex((one) => ridden(one.name).length < rule.rides);
      game.machine = open < 0 ? 0 : open;
      toDemo();
    }
    drawTabs();
    sizes = [];
    document.addEventListener("keydown", startByKey);
    if (frame === null) frame = requestAnimationFrame(tick);
  };
  game.stop = () => { cancelAnimationFrame(frame); frame = null; document.removeEventListener("keydown", startByKey); };
  game.integrate = (machine, ride, inputs) => integrate(rule, rule.mounts.find((one) => one.name === machine), conditions(ride), inputs);

  // --- phases -------------------------------------------------------------------------------------
  function enter(phase) {
    game.phase = phase;
    nodes.game.dataset.phase = phase;
    drawTabs();
  }

  function newWorld() {
    world = { x: 0, y: 0, distance: 0, pedals: 0, speed: rule.speed, trail: [], dust: [], eyeYaw: 0, eyeY: 0, planY: 0 };
  }

  function toDemo() {
    newWorld();
    const hidden = { ...conditions(0), hand: DEMO_HAND };
    demo = { ride: makeRide(rule, mount(), hidden), seen: [] };
    fall = null;
    nodes.verdict.textContent = ridden().length ? mount().title : { bicycle: "Can you keep it up?", motorcycle: "Now the motorcycle", reversed: "Same bicycle, reversed handlebars" }[mount().name];
    nodes.detail.textContent = {
      bicycle: "When it leans to the right, steer to the right; and steer gently. A friend holds the saddle, and lets go little by little.",
      motorcycle: "More than twice as heavy, and your arms are the same. Does what you have just learned help?",
      reversed: "Turn the handlebar left and the wheel goes right. Everything else is the bicycle that you know.",
    }[mount().name];
    showButtons();
    enter("demo");
  }

  function showButtons() {
    const count = ridden().length, left = data.rides.length - count;
    const next = rule.mounts[game.machine + 1];
    const enough = count >= rule.rides && next !== undefined && ridden(next.name).length < rule.rides;
    const percent = Math.round(100 * conditions(count).hand);
    const ride = count === 0 ? (game.machine === 0 ? "Ride" : "Ride the " + mount().title.toLowerCase()) : `Ride ${count + 1}, hand ${percent} %`;
    nodes.go.textContent = enough ? `On to the ${next.title.toLowerCase()}` : ride;
    nodes.go.hidden = !enough && left <= 0;
    nodes.again.textContent = `Once more, hand ${percent} %`;
    nodes.again.hidden = !enough || left <= 0;
    nodes.go.onclick = () => (enough ? choose(game.machine + 1) : begin());
    nodes.again.onclick = begin;
    nodes.hint.textContent = left <= 0 ? "All rides on this machine are ridden." : finger ? "Hold the picture or the handlebar and pull it to one side." : "← → keys, or hold the picture or the handlebar and pull. Space starts.";
  }

  function choose(index) {
    if (game.phase === "ride" || game.phase === "count") return;
    game.machine = index;
    toDemo();
    nodes.picture.focus({ preventScroll: true });
  }

  function begin() {
    if (game.phase === "ride" || game.phase === "count" || ridden().length >= data.rides.length) return;
    newWorld();
    game.number = ridden().length;
    game.ride = makeRide(rule, mount(), conditions(game.number));
    demo = fall = null;
    spare = 0;
    counting = COUNT_SECONDS;
    nodes.count.textContent = "";
    nodes.clock.textContent = "0.0";
    const share = conditions(game.number).hand;
    nodes.hand.textContent = share > 0 ? `The hand holds ${Math.round(100 * share)} %` : "Nobody holds you";
    nodes.bar.style.width = 100 * share + "%";
    release();
    nodes.picture.focus({ preventScroll: true });
    nodes.game.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" }); // the handlebar, too
    enter("count");
  }

  function finish() {
    const { ride } = game;
    const seconds = Number((ride.steps * rule.dt).toFixed(2));
    const name = mount().name;
    game.last = seconds;
    const earlier = ridden(name);
    const best = earlier.length ? Math.max(...earlier) : null;
    game.ridden[name] = [...earlier, seconds];
    const side = ride.x[0] > 0 ? "right" : "left";
    const folded = Math.abs(ride.x[1]) >= rule.fallSteer;
    nodes.verdict.textContent = ride.fell ? `${seconds.toFixed(1)} s upright` : `${seconds.toFixed(0)} s: the whole ride!`;
    // Who rides for the first time is told once more; on the reversed bicycle, finding out is the point.
    const advice = game.number < 2 && mount().signs[1] > 0 ? ` Next time steer ${side} sooner, and gently.` : "";
    const steered = ride.inputs.some(([level]) => level !== 0);
    const ways = finger ? "Pull the picture or the handlebar to one side" : "Use the ← → keys, or pull the picture";
    const how = !steered ? `You have not steered: this was nobody's ride. ${ways}.` : ride.fell ? (folded ? "The handlebar folded." : `You fell to the ${side}.${advice}`) : "";
    const record = steered && best !== null && seconds > best ? " Your longest so far on this machine." : "";
    const control = data.nobody[name][Math.min(game.number, data.rides.length - 1)];
    const without = steered && control < rule.steps * rule.dt ? ` With nobody steering: ${control.toFixed(1)} s.` : "";
    nodes.detail.textContent = (how + record + without).trim();
    showButtons();
    if (!nodes.go.hidden) nodes.hint.textContent = "";
    if (ride.fell) {
      fall = { rate: Math.abs(ride.x[2]) + 0.6, side: Math.sign(ride.x[0]) || 1, roll: ride.x[0], age: 0, bounced: false };
      shake = calm.matches ? 0 : 1;
      enter("fall");
    } else {
      demo = { ride: { ...ride, over: false, inputs: [], conditions: { ...ride.conditions, hand: DEMO_HAND } }, seen: [] }; // rides on
      enter("done");
    }
    release();
    send("ride", { machine: name, ride: game.number, inputs: ride.inputs, visit: data.visit }); // last: the game goes on if it fails
  }

  // --- input --------------------------------------------------------------------------------------
  function setLevel(level) {
    const whole = Math.max(-rule.levels, Math.min(rule.levels, Math.round(level)));
    if (whole !== game.level && game.phase === "ride") game.pressed ??= performance.now();
    game.level = whole;
    nodes.grip.style.left = 50 + (whole / rule.levels) * 44 + "%";
    nodes.slider.setAttribute("aria-valuenow", whole);
    nodes.slider.setAttribute("aria-valuetext", whole ? `${Math.round((100 * Math.abs(whole)) / rule.levels)} % to the ${whole > 0 ? "right" : "left"}` : "straight");
  }
  const fromKeys = () => setLevel(rule.levels * ((game.keys.right ? 1 : 0) - (game.keys.left ? 1 : 0)));
  function release() {
    game.keys.left = game.keys.right = false;
    game.drag = null;
    setLevel(0);
  }
  const SIDES = { ArrowLeft: "left", a: "left", A: "left", ArrowRight: "right", d: "right", D: "right" };
  nodes.game.addEventListener("keydown", (event) => {
    const side = SIDES[event.key];
    if (side && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      game.keys[side] = true;
      if (!event.repeat) fromKeys();
    } else if ((event.key === " " || event.key === "Enter") && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      if (!event.repeat && (game.phase === "demo" || game.phase === "done")) (nodes.go.hidden ? nodes.again : nodes.go).click();
    }
  });
  // Space starts a ride as long as nothing else has the focus, which would have a use of its own for it.
  function startByKey(event) {
    if (event.key !== " " || event.repeat || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.activeElement && document.activeElement !== document.body) return;
    const box = nodes.behind.getBoundingClientRect();
    if (box.bottom < 0.5 * box.height || box.top > innerHeight - 0.5 * box.height) return; // out of sight
    if (game.phase !== "demo" && game.phase !== "done") return;
    event.preventDefault();
    (nodes.go.hidden ? nodes.again : nodes.go).click();
  }
  nodes.game.addEventListener("keyup", (event) => {
    const side = SIDES[event.key];
    if (!side) return;
    game.keys[side] = false;
    fromKeys();
  });
  nodes.game.addEventListener("focusout", (event) => { if (!nodes.game.contains(event.relatedTarget)) release(); });

  function pull(target, reach, absolute) {
    target.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      target.setPointerCapture(event.pointerId);
      game.drag = { id: event.pointerId, x: event.clientX };
      if (absolute) move(event);
    });
    const move = (event) => {
      if (game.drag?.id !== event.pointerId) return;
      const box = nodes.groove.getBoundingClientRect();
      const offset = absolute ? event.clientX - (box.left + box.width / 2) : event.clientX - game.drag.x;
      setLevel((rule.levels * offset) / (absolute ? box.width * 0.44 : reach()));
    };
    const end = (event) => {
      if (game.drag?.id !== event.pointerId) return;
      game.drag = null;
      setLevel(0);
    };
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", end);
    target.addEventListener("pointercancel", end);
  }
  pull(nodes.picture, () => Math.min(170, nodes.picture.clientWidth * 0.26), false);
  pull(nodes.slider, null, true);
  document.addEventListener("visibilitychange", () => {
    // A ride that one could not see does not count.
    if (document.hidden && (game.phase === "ride" || game.phase === "count")) toDemo();
  });

  // --- tabs ---------------------------------------------------------------------------------------
  function drawTabs() {
    if (!rule) return;
    while (nodes.tabs.children.length < rule.mounts.length) {
      const index = nodes.tabs.children.length;
      const tab = document.createElement("button");
      tab.className = "tab";
      tab.type = "button";
      tab.setAttribute("role", "tab");
      const dots = document.createElement("span");
      dots.className = "dots";
      dots.setAttribute("role", "img");
      tab.append(document.createElement("span"), dots);
      tab.firstChild.textContent = `${index + 1} · ${rule.mounts[index].title}`;
      tab.onclick = () => choose(index);
      nodes.tabs.append(tab);
    }
    [...nodes.tabs.children].forEach((tab, index) => {
      tab.setAttribute("aria-selected", index === game.machine);
      tab.disabled = index !== game.machine && (game.phase === "ride" || game.phase === "count");
      const count = ridden(rule.mounts[index].name).length, dots = tab.lastChild;
      while (dots.children.length < rule.rides) dots.append(document.createElement("i"));
      [...dots.children].forEach((dot, number) => dot.classList.toggle("done", number < count));
      dots.setAttribute("aria-label", `${count} ${count === 1 ? "ride" : "rides"}`);
    });
  }

  // --- time ---------------------------------------------------------------------------------------
  function travel(x, seconds, speed) {
    if (calm.matches) return;
    world.x += speed * Math.cos(x[4]) * seconds;
    world.y += speed * Math.sin(x[4]) * seconds;
    world.distance += speed * seconds;
    world.pedals += (speed * seconds) / 0.95;
  }

  function stepDemo() {
    const { ride, seen } = demo;
    seen.push([ride.x[0], ride.x[2], ride.x[4], world.y]);
    const late = seen[Math.max(0, seen.length - 1 - DEMO_DELAY)];
    // steers into the fall, and back to the middle of the road
    const wanted = Math.max(-0.06, Math.min(0.06, -0.03 * late[3] - 0.25 * late[2]));
    const level = ride.mount.signs[1] * 260 * (late[0] - wanted + 0.42 * late[1]);
    ride.steps %= rule.steps; // gusts again from the start
    advance(ride, Math.max(-rule.levels, Math.min(rule.levels, Math.round(level))));
    ride.inputs = [];
    travel(ride.x, rule.dt, rule.speed);
    if (seen.length > 60) seen.shift();
    if (ride.fell) toDemo();
  }

  function step(seconds) {
    if (!calm.matches) time += seconds;
    if (game.phase === "count") {
      const before = Math.ceil((counting / COUNT_SECONDS) * 3);
      counting -= seconds;
      const number = Math.ceil((counting / COUNT_SECONDS) * 3);
      if (nodes.count.textContent === "" || (number !== before && number > 0)) flash(String(Math.max(number, 1)));
      travel(game.ride.x.map(() => 0), seconds, rule.speed);
      if (counting <= 0) {
        world.x = world.y = 0;
        world.trail = [];
        flash("Go");
        enter("ride");
        spare = 0;
      }
      return;
    }
    if (game.phase === "ride" || ((game.phase === "demo" || game.phase === "done") && demo && !calm.matches)) {
      spare += seconds;
      while (spare >= rule.dt) {
        spare -= rule.dt;
        if (game.phase === "ride") {
          advance(game.ride, game.level);
          travel(game.ride.x, rule.dt, rule.speed);
          if (game.ride.over) { finish(); break; }
        } else stepDemo();
      }
    }
    if (fall) stepFall(seconds);
  }

  function stepFall(seconds) {
    // Only a picture: what happens after a ride is over is not measured.
    const lying = 1.36;
    if (calm.matches) {
      fall.roll = fall.side * lying;
      return lie();
    }
    fall.age += seconds;
    fall.rate += 9.81 * 0.75 * Math.sin(Math.abs(fall.roll)) * seconds;
    fall.roll += fall.side * fall.rate * seconds;
    if (Math.abs(fall.roll) > lying) {
      fall.roll = fall.side * lying;
      if (!fall.bounced) {
        shake = 1.6;
        for (let i = 0; i < 16; i++) {
          world.dust.push({ at: [world.x + 1.6 * Math.random() - 0.3, world.y + fall.side * (0.3 + 1.1 * Math.random()), 0.08], up: 0.5 + Math.random(), life: 1 });
        }
      }
      fall.rate = fall.bounced ? 0 : -0.28 * fall.rate;
      fall.bounced = true;
    }
    world.speed *= Math.exp(-seconds * (fall.bounced ? 4.2 : 1));
    const x = [...game.ride.x];
    travel(x, seconds, world.speed);
    if (fall.age > 1.25) lie();
  }

  function lie() {
    if (game.phase !== "fall") return;
    enter("done");
    const elsewhere = nodes.go.hidden || nodes.behind.contains(root.activeElement);
    if (!elsewhere) nodes.picture.focus({ preventScroll: true });
  }

  function flash(text) {
    nodes.count.textContent = text;
    nodes.count.classList.remove("shown");
    void nodes.count.offsetWidth;
    nodes.count.classList.add("shown");
  }

  // --- one frame ----------------------------------------------------------------------------------
  function tick(now) {
    frame = requestAnimationFrame(tick);
    if (!nodes.game.isConnected) return game.stop();
    const seconds = last === null ? 0 : Math.min((now - last) / 1000, MOST_SECONDS_A_FRAME);
    if (last !== null) {
      game.frames.push(now - last);
      if (game.frames.length > 1200) game.frames.shift();
      // Where the machine cannot keep up, fewer pixels do it.
      slow = 0.95 * slow + 0.05 * (now - last > 24 ? 1 : 0);
      if (slow > 0.6 && ratio > 1) { sharpest = 1; sizes = []; }
    }
    last = now;
    const box = nodes.game.getBoundingClientRect();
    step(seconds);
    // Out of sight, nothing is drawn.
    if (box.bottom < 0 || box.top > innerHeight || document.hidden) return;
    draw(seconds);
    game.costs.push(performance.now() - now);
    if (game.costs.length > 1200) game.costs.shift();
  }

  function fit(canvas, index) {
    const box = [canvas.clientWidth, canvas.clientHeight];
    if (sizes[index]?.[0] !== box[0] || sizes[index]?.[1] !== box[1]) {
      ratio = Math.min(sharpest, devicePixelRatio || 1);
      sizes[index] = box;
      canvas.width = Math.round(box[0] * ratio);
      canvas.height = Math.round(box[1] * ratio);
    }
    const context = canvas.getContext("2d", { alpha: false });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return [context, box[0], box[1]];
  }

  function draw(seconds) {
    const one = mount();
    const live = demo ? demo.ride : game.ride;
    const part = Math.min(1, spare / rule.dt);
    let x = live.x.map((value, index) => live.before[index] + (value - live.before[index]) * part);
    if (game.phase === "count") x = live.x.map((value) => value * Math.min(1, 1.4 * (1 - counting / COUNT_SECONDS)));
    const ahead = (game.phase === "ride" || demo) && !calm.matches ? rule.speed * (spare - rule.dt) : 0;
    const heading = x[4];
    const pose = {
      x: world.x + ahead * Math.cos(heading), y: world.y + ahead * Math.sin(heading), heading, roll: fall ? fall.roll : x[0], bar: x[1],
      fork: one.signs[1] * x[1], distance: world.distance, pedals: world.pedals, lift: fall ? 0.1 * Math.min(1, Math.abs(fall.roll)) : 0,
    };
    const ease = (from, to, over) => (calm.matches ? to : from + (to - from) * (1 - Math.exp(-seconds / over)));
    world.eyeYaw = calm.matches ? 0 : ease(world.eyeYaw, heading, 0.45);
    world.eyeY = ease(world.eyeY, pose.y, 0.3);
    world.planY = ease(world.planY, Math.abs(pose.y) < 1.2 ? 0.5 * pose.y : pose.y, 0.35);
    // On a small screen, the picture makes room for the card.
    const card = (game.phase === "demo" || game.phase === "done") && nodes.picture.clientWidth < 560;
    world.middle = ease(world.middle ?? (card ? 0.3 : 0.5), card ? 0.3 : 0.5, 0.25);
    shake = Math.max(0, shake - 3.2 * seconds);
    world.dust = world.dust.filter((speck) => { speck.life -= 0.85 * seconds; speck.at[2] += 0.5 * speck.up * seconds; return speck.life > 0; });
    const shape = one.shape;
    if ((game.phase === "ride" || game.phase === "demo") && !calm.matches) {
      const point = [pose.x, pose.y, pose.x + shape.wheelbase * Math.cos(heading), pose.y + shape.wheelbase * Math.sin(heading)];
      world.trail.push(point);
      if (world.trail.length > 260) world.trail.shift();
    }
    const paint = paintFor(one.name, data.dark);
    const back = one.name === "motorcycle" ? 4.35 : 3.95, jolt = 0.05 * shake;
    const rider = placing(pose);
    const hand = demo && game.phase === "demo" ? DEMO_HAND * 0.5 : live.conditions.hand;
    const scene = {
      time, pose, shape, cosTilt: Math.cos(shape.tilt), model: bodies(one, pose, paint), trail: world.trail, dust: world.dust, planY: world.planY,
      hand: fall ? 0.5 * hand : game.phase === "done" ? 0 : hand, fallRoll: rule.fallRoll, gauge: game.phase === "ride" || game.phase === "count",
      gust: game.phase === "ride" ? live.conditions.gusts[Math.floor(live.steps / rule.gustSteps) % live.conditions.gusts.length] : 0,
      finish: game.phase === "demo" || calm.matches ? null : rule.steps * rule.dt * rule.speed + (game.phase === "count" ? world.x + counting * rule.speed : 0),
      seat: rider([0.1, 0, 0.86]),
      friend: { x: pose.x, y: pose.y, heading: world.eyeYaw, distance: world.distance, running: Math.min(1, world.speed / rule.speed) },
      eye: {
        x: pose.x + 0.5 - back * Math.cos(world.eyeYaw) + jolt * (Math.random() - 0.5), y: world.eyeY - back * Math.sin(world.eyeYaw) + jolt * (Math.random() - 0.5),
        z: 1.62 + jolt * (Math.random() - 0.5), yaw: world.eyeYaw, pitch: 0.115, middle: world.middle,
      },
    };
    const [behind, width, height] = fit(nodes.picture, 0);
    drawBehind(behind, width, height, { ...scene, narrow: width < 500 }, paint);
    const [above, planWidth, planHeight] = fit(nodes.plan, 1);
    drawAbove(above, planWidth, planHeight, { ...scene, narrow: planWidth < 150 }, paint);
    if (game.phase === "ride") {
      nodes.clock.textContent = (live.steps * rule.dt).toFixed(1);
      if (game.pressed !== null) { game.latency.push(performance.now() - game.pressed); game.pressed = null; }
    } else if (game.phase === "done" || game.phase === "fall") nodes.clock.textContent = game.last.toFixed(1);
    const degrees = (value) => {
      const whole = Math.round((value * 180) / Math.PI);
      return whole === 0 ? "straight" : `${Math.abs(whole)}° ${whole > 0 ? "right" : "left"}`;
    };
    nodes.angles.textContent = `front wheel ${degrees(pose.fork * scene.cosTilt)} · heading ${degrees(heading)}`;
    nodes.picture.setAttribute("aria-label", `${one.title} seen from behind. Arrow keys steer, space starts a ride.`);
  }

  return game;
}

export default function (component) {
  const root = component.parentElement;
  const game = (root.ridingGame ??= makeGame(root));
  root.querySelector(".game").riding = game;
  game.update(component);
  return () => game.stop();
}

// Recorded rides, side by side. `data` from Python: {dt, speed, shape, dark, ride, riders: [{title, colour, light, states: [[roll, steer,
// heading, y], …], fallen: step or null}]}. The states are the simulation's; what happens after a fall is only a picture.

const LYING = 1.36; // rad
const AFTER = 1.2; // s of pause at the end before it begins again

function makeWatch(root) {
  const $ = (selector) => root.querySelector(selector);
  const nodes = { watch: $(".watch"), riders: $(".riders"), play: $(".play"), time: $(".time"), clock: $(".clock") };
  // Who wants less motion starts it by hand, sees it once, and sees the machines lean in a world that stands still.
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const watch = { t: 0, playing: !calm.matches, frames: [], nodes };
  let data, lanes = [], last = null, frame = null, rest = 0, shown = null, drawn = null, costly = 0, ratio = Math.min(2, devicePixelRatio || 1);

  watch.update = (component) => {
    ({ data } = component);
    while (nodes.riders.children.length < data.riders.length) nodes.riders.append($("template.rider").content.cloneNode(true));
    lanes = [...nodes.riders.children].map((lane, index) => ({
      lane, rider: data.riders[index], said: lane.querySelector(".said"), picture: lane.querySelector(".behind canvas"), plan: lane.querySelector(".above canvas"),
    }));
    for (const { lane, rider, picture } of lanes) {
      lane.style.setProperty("--rider", rider.colour);
      lane.querySelector("b").textContent = rider.title;
      picture.setAttribute("aria-label", `${rider.title}: ${rider.fallen === null ? "stays up" : `falls after ${(rider.fallen * data.dt).toFixed(1)} s`}, seen from behind`);
    }
    watch.steps = data.riders[0].states.length - 1;
    nodes.time.max = watch.steps;
    if (shown !== data.ride) { shown = data.ride; watch.t = 0; rest = 0; if (!calm.matches) watch.playing = true; }
    drawn = null;
    if (frame === null) frame = requestAnimationFrame(tick);
  };
  watch.stop = () => { cancelAnimationFrame(frame); frame = null; last = null; };

  nodes.play.onclick = () => {
    if (!watch.playing && watch.t >= watch.steps * data.dt) watch.t = 0;
    watch.playing = !watch.playing;
    rest = 0;
  };
  nodes.time.oninput = () => { watch.playing = false; watch.t = Number(nodes.time.value) * data.dt; };

  function tick(now) {
    frame = requestAnimationFrame(tick);
    if (!nodes.watch.isConnected) return watch.stop();
    const seconds = last === null ? 0 : Math.min((now - last) / 1000, 0.1);
    if (last !== null && watch.playing) {
      watch.frames.push(now - last);
      if (watch.frames.length > 600) watch.frames.shift();
    }
    last = now;
    const end = watch.steps * data.dt;
    if (watch.playing) {
      watch.t = Math.min(end, watch.t + seconds);
      if (watch.t >= end) {
        rest += seconds;
        if (calm.matches) watch.playing = false;
        else if (rest > AFTER) { watch.t = 0; rest = 0; }
      }
    }
    const box = nodes.watch.getBoundingClientRect();
    if (box.bottom < 0 || box.top > innerHeight || document.hidden) return; // out of sight
    nodes.play.classList.toggle("playing", watch.playing);
    nodes.play.setAttribute("aria-label", watch.playing ? "Pause" : "Play");
    const look = `${watch.t.toFixed(3)} ${nodes.watch.clientWidth}`;
    if (look === drawn) return;
    drawn = look;
    nodes.time.value = Math.round(watch.t / data.dt);
    nodes.clock.textContent = `${watch.t.toFixed(1)} s`;
    const began = performance.now();
    for (const one of lanes) draw(one);
    costly = 0.9 * costly + 0.1 * (performance.now() - began);
    if (costly > 20 && ratio > 1) ratio = 1; // where the machine cannot keep up, fewer pixels do it
  }

  // Where a rider is at time t: between two recorded steps, or falling.
  function at(rider, t) {
    const place = Math.min(t / data.dt, watch.steps), fallen = rider.fallen;
    const stop = fallen === null ? watch.steps : fallen;
    const before = Math.min(Math.floor(place), stop), after = Math.min(before + 1, stop), part = Math.min(1, place - before);
    const [roll, steer, heading, y] = rider.states[before].map((value, index) => value + (rider.states[after][index] - value) * part);
    const since = fallen === null ? 0 : Math.max(0, t - fallen * data.dt);
    const upright = t - since;
    const slide = data.speed * (1 - Math.exp(-2.6 * since)) / 2.6;
    const down = Math.min(1, since * since * 5.5 + since * 0.9);
    return {
      roll: since > 0 ? roll + (Math.sign(roll) * LYING - roll) * down : roll, steer, heading, since,
      x: data.speed * upright + slide * Math.cos(heading), y: y + slide * Math.sin(heading), distance: data.speed * upright + slide,
    };
  }

  // The same for the eye: on the spot, where less motion is wanted.
  function seen(rider, t) {
    const now = at(rider, t);
    return calm.matches ? { ...now, x: 0, y: 0, distance: 0 } : now;
  }

  function fit(canvas) {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d", { alpha: false });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return [context, width, height];
  }

  function draw({ lane, rider, said, picture, plan }) {
    const t = watch.t, now = seen(rider, t), { shape } = data;
    const paint = paintFor("motorcycle", data.dark);
    paint.jacket = { base: rider.colour, light: rider.light };
    const pose = {
      x: now.x, y: now.y, heading: now.heading, roll: now.roll, bar: now.steer, fork: now.steer, distance: now.distance, pedals: 0,
      lift: now.since > 0 ? 0.1 * Math.min(1, Math.abs(now.roll)) : 0,
    };
    // The camera follows late, so that a turn can be seen.
    let yaw = 0, eyeY = 0, weight = 0;
    for (let i = 0; i < 10; i++) {
      const past = seen(rider, Math.max(0, t - i * 0.08)), share = Math.exp(-i * 0.2);
      yaw += share * past.heading;
      eyeY += share * past.y;
      weight += share;
    }
    yaw = calm.matches ? 0 : yaw / weight;
    eyeY /= weight;
    const trail = [];
    for (let i = 0; i <= 90 && !calm.matches; i++) {
      const past = at(rider, Math.max(0, t - (90 - i) * 0.04));
      if (t - (90 - i) * 0.04 < 0) continue;
      trail.push([past.x, past.y, past.x + shape.wheelbase * Math.cos(past.heading), past.y + shape.wheelbase * Math.sin(past.heading)]);
    }
    const back = 4.5;
    const scene = {
      time: calm.matches ? 0 : t, pose, shape, cosTilt: Math.cos(shape.tilt), model: bodies({ name: "motorcycle", shape }, pose, paint), trail, dust: [],
      planY: Math.abs(pose.y) < 1.2 ? 0.5 * pose.y : pose.y, hand: 0, fallRoll: data.fallRoll, gauge: now.since === 0, gust: 0,
      finish: null, seat: [0, 0, 0], friend: null,
      eye: { x: pose.x + 0.5 - back * Math.cos(yaw), y: eyeY - back * Math.sin(yaw), z: 1.66, yaw, pitch: 0.12, middle: 0.47 },
    };
    const [behind, width, height] = fit(picture);
    drawBehind(behind, width, height, { ...scene, narrow: true }, paint);
    const [above, planWidth, planHeight] = fit(plan);
    drawAbove(above, planWidth, planHeight, { ...scene, narrow: true }, paint);
    lane.dataset.fell = now.since > 0;
    said.textContent = now.since > 0 ? `fell after ${(rider.fallen * data.dt).toFixed(1)} s` : t > 0 && t >= watch.steps * data.dt ? "still upright" : `${t.toFixed(1)} s`;
  }

  return watch;
}

export default function (component) {
  const root = component.parentElement;
  const watch = (root.ridingWatch ??= makeWatch(root));
  root.querySelector(".watch").watching = watch;
  watch.update(component);
  return () => watch.stop();
}

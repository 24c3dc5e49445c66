// Machine and rider as round-ended rods in their own frame: x forward from the rear wheel's contact, y right, z up.
// The same rods are drawn from behind and from above, so that lean, heading and steering are what the model says.

const sub = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const mix = (a, b, t) => [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];

// Turn points about the steering axis by the fork's angle; positive is to the right.
function steering(shape, angle) {
  const [s, c] = [Math.sin(shape.tilt), Math.cos(shape.tilt)];
  const [sinA, cosA] = [Math.sin(angle), Math.cos(angle)];
  const foot = shape.wheelbase + shape.trail; // where the axis meets the ground
  return ([x, y, z]) => {
    const along = (x - foot) * c + z * s, up = z * c - (x - foot) * s;
    const a = along * cosA - y * sinA, b = along * sinA + y * cosA;
    return [foot + a * c - up * s, b, a * s + up * c];
  };
}

// Lean about the line on the ground, then turn and move into the world.
function placing(pose) {
  const [sinR, cosR, sinH, cosH] = [
    Math.sin(pose.roll), Math.cos(pose.roll), Math.sin(pose.heading), Math.cos(pose.heading),
  ];
  return ([x, y, z]) => {
    const side = y * cosR + z * sinR;
    return [pose.x + x * cosH - side * sinH, pose.y + x * sinH + side * cosH, (pose.lift ?? 0) + z * cosR - y * sinR];
  };
}

// Where a knee or an elbow is: two rods of given lengths between two points, bent towards `bend`.
function joint(from, to, first, second, bend) {
  const d = sub(to, from);
  const length = Math.min(Math.hypot(...d), (first + second) * 0.999);
  const along = (first ** 2 - second ** 2 + length ** 2) / (2 * length);
  const off = Math.sqrt(Math.max(first ** 2 - along ** 2, 0));
  const unit = d.map((value) => value / Math.hypot(...d));
  const inline = bend[0] * unit[0] + bend[1] * unit[1] + bend[2] * unit[2];
  const out = sub(bend, unit.map((value) => value * inline));
  const size = Math.hypot(...out) || 1;
  return from.map((value, i) => value + unit[i] * along + (out[i] / size) * off);
}

function bodies(mount, pose, paint) {
  const { shape } = mount;
  const motor = mount.name === "motorcycle";
  const place = placing(pose);
  const turn = steering(shape, pose.fork);
  const turnBar = steering(shape, pose.bar); // the same, but for reversed handlebars
  const axis = (z) => [shape.wheelbase + shape.trail - z * Math.tan(shape.tilt), 0, z];
  const rods = [];
  const rod = (a, b, ra, rb, colour, order = 0) => rods.push({ a: place(a), b: place(b), ra, rb: rb ?? ra, colour, order });
  const both = (draw) => [-1, 1].forEach(draw);
  const wheels = [];
  const wheel = (radius, width, hub, move) => {
    const ring = [], inner = [];
    for (let i = 0; i <= 30; i++) {
      const angle = (i / 30) * 2 * Math.PI;
      const at = (r) => place(move([hub + r * Math.cos(angle), 0, radius + r * Math.sin(angle)]));
      ring.push(at(radius - width));
      inner.push(at(radius - width * 2.6));
    }
    const spokes = [];
    const spin = -pose.distance / radius;
    for (let i = 0; i < 8; i++) {
      const angle = spin + (i / 8) * 2 * Math.PI;
      spokes.push(place(move([hub + (radius - width * 2.6) * Math.cos(angle), 0, radius + (radius - width * 2.6) * Math.sin(angle)])));
    }
    wheels.push({ ring, inner, spokes, hub: place(move([hub, 0, radius])), width });
  };
  const stay = (p) => p;
  const fork = turn;
  wheel(shape.rear, motor ? 0.075 : 0.022, 0, stay);
  wheel(shape.front, motor ? 0.06 : 0.02, shape.wheelbase, fork);

  let hip, shoulder, head, grips, feet, barZ;
  if (motor) {
    barZ = 1.04;
    hip = [0.36, 0, 0.9]; shoulder = [0.6, 0, 1.4]; head = [0.69, 0, 1.61];
    feet = [-1, 1].map((side) => [0.5, side * 0.2, 0.33]);
    rod([0.62, 0, 0.4], [0.82, 0, 0.45], 0.19, 0.17, paint.metal);
    rod([0.3, 0, 0.52], [1.0, 0, 0.62], 0.08, 0.08, paint.dark);
    both((side) => rod([0, side * 0.1, shape.rear], [0.5, side * 0.12, 0.42], 0.035, 0.045, paint.dark));
    both((side) => rod([0.02, side * 0.12, 0.36], [0.2, side * 0.12, 0.72], 0.03, 0.035, paint.metal));
    rod([0.66, 0.17, 0.26], [0.1, 0.19, 0.3], 0.035, 0.045, paint.chrome);
    rod([0.1, 0.19, 0.3], [-0.3, 0.2, 0.38], 0.055, 0.06, paint.chrome);
    rod([0.58, 0, 0.8], [0.98, 0, 0.85], 0.14, 0.17, paint.body); // tank
    rod([0.02, 0, 0.8], [0.55, 0, 0.78], 0.1, 0.13, paint.seat);
    rod([-0.2, 0, 0.86], [0.1, 0, 0.8], 0.06, 0.1, paint.body); // tail
    rod([-0.25, 0, 0.83], [-0.26, 0, 0.83], 0.05, 0.05, paint.lamp, -0.1);
    rod([-0.3, 0, 0.58], [-0.22, 0, 0.74], 0.06, 0.05, paint.dark);
    both((side) => rod(fork([...axis(0.86).slice(0, 1), side * 0.1, 0.86]), fork([shape.wheelbase, side * 0.1, shape.front]), 0.03, 0.035, paint.chrome));
    rod(fork([shape.wheelbase - 0.2, 0, 0.62]), fork([shape.wheelbase + 0.2, 0, 0.64]), 0.06, 0.05, paint.body);
    rod(fork([1.18, 0, 0.9]), fork([1.26, 0, 0.89]), 0.1, 0.1, paint.metal);
    const bar = axis(barZ);
    grips = [-1, 1].map((side) => turnBar([bar[0] - 0.12, side * 0.36, barZ + 0.03]));
    const bends = [-1, 1].map((side) => turnBar([bar[0] + 0.02, side * 0.14, barZ]));
    rod(bends[0], bends[1], 0.02, 0.02, paint.chrome);
    both((side) => rod(bends[(side + 1) / 2], grips[(side + 1) / 2], 0.02, 0.026, paint.dark));
    both((side) => {
      const stem = turnBar([bar[0] - 0.02, side * 0.28, barZ + 0.02]), top = turnBar([bar[0] - 0.02, side * 0.4, barZ + 0.17]);
      rod(stem, top, 0.008, 0.008, paint.dark);
      rod(top, turnBar([bar[0] - 0.02, side * 0.46, barZ + 0.18]), 0.035, 0.03, paint.metal);
    });
  } else {
    barZ = 1.0;
    hip = [0.2, 0, 0.98]; shoulder = [0.44, 0, 1.46]; head = [0.54, 0, 1.645];
    const crank = [0.42, 0, 0.28];
    const turnOfCrank = pose.pedals;
    feet = [-1, 1].map((side) => {
      const angle = -turnOfCrank + (side > 0 ? Math.PI : 0);
      return [crank[0] + 0.165 * Math.cos(angle), side * 0.11, crank[2] + 0.165 * Math.sin(angle)];
    });
    both((side) => rod([crank[0], side * 0.07, crank[2]], [feet[(side + 1) / 2][0], side * 0.07, feet[(side + 1) / 2][2]], 0.014, 0.014, paint.metal));
    const seat = [0.24, 0, 0.8], [top, low] = [axis(0.86), axis(0.66)];
    rod(crank, seat, 0.02, 0.018, paint.body);
    rod(seat, [0.21, 0, 0.9], 0.014, 0.014, paint.chrome);
    rod([0.08, 0, 0.93], [0.36, 0, 0.925], 0.06, 0.025, paint.seat);
    rod(crank, low, 0.023, 0.022, paint.body);
    rod(seat, top, 0.018, 0.02, paint.body);
    rod(top, low, 0.025, 0.025, paint.body);
    both((side) => {
      rod(crank, [0, side * 0.05, shape.rear], 0.012, 0.01, paint.body);
      rod(seat, [0, side * 0.05, shape.rear], 0.011, 0.009, paint.body);
      rod(fork([low[0] + 0.01, side * 0.045, low[2] - 0.02]), fork([shape.wheelbase, side * 0.05, shape.front]), 0.014, 0.011, paint.body);
    });
    rod([-0.06, 0, 0.7], [-0.062, 0, 0.7], 0.028, 0.028, paint.lamp, -0.1);
    rod([0.1, 0, 0.7], [-0.05, 0, 0.7], 0.008, 0.008, paint.dark);
    const bar = axis(barZ);
    rod(top, bar, 0.017, 0.017, paint.chrome);
    if (mount.signs[1] < 0) {
      // the gear that turns the fork the other way: two wheels that mesh
      const gear = axis(0.93);
      rod(turnBar([gear[0] - 0.05, -0.055, 0.95]), turnBar([gear[0] - 0.05, -0.056, 0.95]), 0.06, 0.06, paint.gear, -0.05);
      rod(turn([gear[0] - 0.05, 0.055, 0.95]), turn([gear[0] - 0.05, 0.056, 0.95]), 0.06, 0.06, paint.chrome, -0.05);
    }
    grips = [-1, 1].map((side) => turnBar([bar[0] - 0.13, side * 0.29, barZ + 0.02]));
    const bends = [-1, 1].map((side) => turnBar([bar[0] + 0.02, side * 0.17, barZ + 0.01]));
    rod(bends[0], bends[1], 0.015, 0.015, paint.chrome);
    both((side) => rod(bends[(side + 1) / 2], grips[(side + 1) / 2], 0.015, 0.02, paint.dark));
  }

  // --- the rider, who leans a little with the hands
  const tuck = motor ? 0.03 : 0.02;
  both((side) => {
    const index = (side + 1) / 2;
    const from = [hip[0], side * 0.1, hip[2] - 0.02], foot = feet[index];
    const ankle = [foot[0] - 0.05, foot[1], foot[2] + 0.09];
    const knee = joint(from, ankle, 0.45, 0.45, [1, side * (motor ? 0.5 : 0.18), 0.3]);
    rod(from, knee, 0.095, 0.07, paint.trousers);
    rod(knee, ankle, 0.065, 0.045, paint.trousers);
    rod([foot[0] - 0.09, foot[1], foot[2] + 0.03], [foot[0] + 0.12, foot[1] + side * 0.01, foot[2] + 0.025], 0.042, 0.036, paint.shoes);
    const arm = [shoulder[0], side * 0.185, shoulder[2] - 0.02];
    const elbow = joint(arm, grips[index], 0.3, 0.29, [-0.2, side * 0.9, -0.55]);
    rod(arm, elbow, 0.06, 0.05, paint.jacket);
    rod(elbow, grips[index], 0.047, 0.036, paint.jacket);
    rod(grips[index], mix(grips[index], elbow, 0.06), 0.042, 0.042, paint.gloves, -0.02);
  });
  rod([hip[0] - 0.02, -0.075, hip[2]], [hip[0] - 0.02, 0.075, hip[2]], 0.115, 0.115, paint.trousers, 0.02);
  rod([hip[0] + tuck, 0, hip[2] + 0.1], [shoulder[0] - 0.05, 0, shoulder[2] - 0.09], 0.145, 0.165, paint.jacket);
  rod([shoulder[0], -0.14, shoulder[2] - 0.03], [shoulder[0], 0.14, shoulder[2] - 0.03], 0.085, 0.085, paint.jacket);
  // a stripe over the back, so that the lean is read at a glance
  rod([hip[0] - 0.1, 0, hip[2] + 0.14], [shoulder[0] - 0.17, 0, shoulder[2] - 0.1], 0.028, 0.034, paint.stripe, -0.18);
  rod([shoulder[0] + 0.02, 0, shoulder[2] + 0.03], head, 0.055, 0.055, paint.skin);
  rod(head, [head[0] + 0.02, 0, head[2] + 0.02], 0.105, 0.105, paint.skin);
  rod([head[0] - 0.035, 0, head[2] + 0.045], [head[0] + 0.05, 0, head[2] + 0.06], motor ? 0.14 : 0.118, motor ? 0.135 : 0.108, paint.helmet, -0.03);
  rod([head[0] - 0.15, 0, head[2] + 0.05], [head[0] - 0.1, 0, head[2] + 0.14], 0.02, 0.024, paint.stripe, -0.2);
  return { rods, wheels, lamp: place(turn([shape.wheelbase, 0, 0.9])) };
}

// --- drawing them -------------------------------------------------------------------------------

function rodPath(context, a, b, ra, rb) {
  const dx = b[0] - a[0], dy = b[1] - a[1];
  const d = Math.hypot(dx, dy);
  context.beginPath();
  if (d <= Math.abs(ra - rb) + 1e-6) {
    const [p, r] = ra > rb ? [a, ra] : [b, rb];
    context.arc(p[0], p[1], r, 0, 2 * Math.PI);
    return;
  }
  const along = Math.atan2(dy, dx), tilt = Math.acos((ra - rb) / d);
  context.arc(a[0], a[1], ra, along + tilt, along - tilt + 2 * Math.PI);
  context.arc(b[0], b[1], rb, along - tilt, along + tilt);
  context.closePath();
}

function drawBodies(context, camera, model, paint) {
  const parts = [];
  for (const one of model.rods) {
    const a = camera.project(one.a), b = camera.project(one.b);
    if (a && b) parts.push({ depth: (a[3] + b[3]) / 2 + one.order, draw: () => {
      const ra = Math.max(one.ra * a[2], 0.6), rb = Math.max(one.rb * b[2], 0.6);
      rodPath(context, a, b, ra, rb);
      context.fillStyle = one.colour.base;
      context.fill();
      if (ra > 2.2) {
        const off = [-0.24 * ra, -0.3 * ra];
        rodPath(context, [a[0] + off[0], a[1] + off[1]], [b[0] + off[0] * (rb / ra), b[1] + off[1] * (rb / ra)], ra * 0.56, rb * 0.56);
        context.fillStyle = one.colour.light;
        context.fill();
      }
    } });
  }
  for (const one of model.wheels) {
    const hub = camera.project(one.hub);
    if (!hub) continue;
    const path = (points) => {
      context.beginPath();
      points.forEach((p, index) => {
        const s = camera.project(p);
        if (!s) return;
        if (index) context.lineTo(s[0], s[1]);
        else context.moveTo(s[0], s[1]);
      });
      context.closePath();
    };
    parts.push({ depth: hub[3] + 0.02, draw: () => {
      context.lineJoin = "round";
      context.strokeStyle = paint.spokes;
      context.lineWidth = Math.max(0.004 * hub[2], 0.7);
      context.beginPath();
      for (const end of one.spokes) {
        const s = camera.project(end);
        if (s) { context.moveTo(hub[0], hub[1]); context.lineTo(s[0], s[1]); }
      }
      context.stroke();
      path(one.inner);
      context.strokeStyle = paint.chrome.base;
      context.lineWidth = Math.max(one.width * 0.9 * hub[2], 1);
      context.stroke();
      path(one.ring);
      context.strokeStyle = paint.tyre;
      context.lineWidth = Math.max(one.width * 2 * hub[2], 2);
      context.stroke();
    } });
  }
  parts.sort((one, other) => other.depth - one.depth);
  for (const part of parts) part.draw();
}

// What stands in the light lies on the ground as a shadow.
function drawShadow(context, camera, model, colour, slope) {
  const flat = (p) => camera.project([p[0] + slope[0] * p[2], p[1] + slope[1] * p[2], 0]);
  context.fillStyle = context.strokeStyle = colour;
  context.lineCap = "round";
  context.beginPath();
  for (const one of model.rods) {
    const a = flat(one.a), b = flat(one.b);
    if (!a || !b) continue;
    const d = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const r = Math.max(((one.ra + one.rb) / 2) * a[2] * 0.8, 0.8);
    // Rods as four-cornered patches in one path: where they overlap, the shadow stays one shade.
    const nx = d > 0.01 ? (-(b[1] - a[1]) / d) * r : r, ny = d > 0.01 ? ((b[0] - a[0]) / d) * r : 0;
    context.moveTo(a[0] + nx, a[1] + ny);
    context.lineTo(b[0] + nx, b[1] + ny);
    context.arc(b[0], b[1], r, Math.atan2(ny, nx), Math.atan2(ny, nx) - Math.PI, true);
    context.lineTo(a[0] - nx, a[1] - ny);
    context.arc(a[0], a[1], r, Math.atan2(-ny, -nx), Math.atan2(-ny, -nx) - Math.PI, true);
    context.closePath();
  }
  for (const one of model.wheels) {
    one.ring.forEach((p, index) => {
      const s = flat(p);
      if (!s) return;
      if (index) context.lineTo(s[0], s[1]);
      else context.moveTo(s[0], s[1]);
    });
    context.closePath();
  }
  context.fill("nonzero");
}

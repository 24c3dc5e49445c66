// The world around the rider: sky, hills, road, trees; by day and by night.

const ROAD = 2.6; // m, half its width
const REACH_M = 95; // how far one sees

const solid = (base, light) => ({ base, light });
const PAINTS = {
  light: {
    sky: ["#A9D3F0", "#DCEEF9", "#FFF6E6"], sun: "#FFF1C9", glow: "rgba(255,226,160,.55)", cloud: "rgba(255,255,255,.8)",
    far: "#A9C8DA", near: "#8FBBA6", grass: ["#BFDCA9", "#9CC486"], band: "rgba(255,255,255,.13)", tuft: "rgba(70,120,70,.35)",
    road: ["#A3AEB8", "#8C97A3", "#95A0AB"], edge: "#FFFFFF", dash: "#FFFFFF", shoulder: "#D9CDB4", post: "#FFFFFF", postMark: "#D1495B",
    trunk: "#7B6653", leaf: ["#4F9272", "#67A886", "#83BE9B"], shadow: "rgba(30,50,60,.26)", ghost: "#3D97D1",
    track: "rgba(27,39,51,.35)", frontTrack: "#E8762C", ink: "#1B2733", halo: "rgba(255,255,255,.85)",
    dust: "rgba(150,130,100,", gauge: "rgba(27,39,51,.22)", beam: null, banner: "#1B2733",
    tyre: "#20262D", spokes: "rgba(40,50,60,.45)", lens: 0,
  },
  dark: {
    sky: ["#07101B", "#12273C", "#3A4A5C"], sun: "#F2F0DF", glow: "rgba(160,190,220,.18)", cloud: "rgba(120,150,180,.13)",
    far: "#16293A", near: "#122925", grass: ["#1C3328", "#122319"], band: "rgba(255,255,255,.025)", tuft: "rgba(130,180,140,.2)",
    road: ["#303B46", "#222B34", "#28323C"], edge: "#A9B8C6", dash: "#D5DEE6", shoulder: "#2C3530", post: "#C9D5DF", postMark: "#E8762C",
    trunk: "#2A2620", leaf: ["#173A2E", "#1E4737", "#265443"], shadow: "rgba(0,0,0,.42)", ghost: "#8CCBF0",
    track: "rgba(230,235,240,.3)", frontTrack: "#E8762C", ink: "#E6EBF0", halo: "rgba(11,16,21,.75)",
    dust: "rgba(150,150,150,", gauge: "rgba(230,235,240,.25)", beam: "rgba(255,236,190,", banner: "#E6EBF0",
    tyre: "#0C1014", spokes: "rgba(180,195,210,.35)", lens: 1,
  },
};

function paintFor(name, dark) {
  const paint = { ...PAINTS[dark ? "dark" : "light"] };
  paint.body = { bicycle: solid("#2B8FC9", "#7CC4EC"), motorcycle: solid("#2E3945", "#62717F"), reversed: solid("#7A5FB8", "#B09BDD") }[name];
  paint.gear = solid("#C9A227", "#E9CC6A");
  paint.metal = solid("#6F7B87", "#98A4AF");
  paint.chrome = solid(dark ? "#93A1AE" : "#A7B3BE", "#DCE4EA");
  paint.dark = solid("#232A31", "#475360");
  paint.seat = solid("#2A2320", "#544840");
  paint.lamp = solid("#E5383B", "#FF8A80");
  paint.jacket = solid("#E8762C", "#F59A5B");
  paint.stripe = solid("#FFF3E4", "#FFFFFF");
  paint.trousers = solid(dark ? "#3C4C5E" : "#2F3F52", dark ? "#556A80" : "#4A5F78");
  paint.shoes = solid("#1D242B", "#3C4751");
  paint.gloves = solid("#2A323A", "#4B5762");
  paint.skin = solid("#C98D66", "#E2AE8A");
  paint.helmet = solid(dark ? "#DDE5EC" : "#F4F7FA", "#FFFFFF");
  return paint;
}

// A number from 0 to 1 that belongs to a place: the same tree stands there tomorrow.
function chance(i, j) {
  const s = Math.sin(i * 127.1 + j * 311.7) * 43758.5453;
  return s - Math.floor(s);
}

// What is the same in every frame is drawn once: gradients cost more than everything else together.
const kept = new Map();

function once(name, width, height, draw) {
  if (!kept.has(name)) {
    if (kept.size > 24) kept.clear();
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.ceil(width));
    canvas.height = Math.max(1, Math.ceil(height));
    draw(canvas.getContext("2d"), canvas.width, canvas.height);
    kept.set(name, canvas);
  }
  return kept.get(name);
}

const SKY_ROWS = 256;

function drawSky(context, width, height, camera, paint, time) {
  const horizon = camera.horizon;
  const air = once("sky" + paint.sky, 4, SKY_ROWS, (on, w, h) => {
    const sky = on.createLinearGradient(0, 0, 0, h);
    sky.addColorStop(0, paint.sky[0]);
    sky.addColorStop(0.65, paint.sky[1]);
    sky.addColorStop(1, paint.sky[2]);
    on.fillStyle = sky;
    on.fillRect(0, 0, w, h);
  });
  const earth = once("earth" + paint.grass, 4, SKY_ROWS, (on, w, h) => {
    const ground = on.createLinearGradient(0, 0, 0, h);
    ground.addColorStop(0, paint.grass[0]);
    ground.addColorStop(1, paint.grass[1]);
    on.fillStyle = ground;
    on.fillRect(0, 0, w, h);
  });
  context.imageSmoothingEnabled = true;
  context.drawImage(air, 1, 0, 2, SKY_ROWS, 0, 0, width, horizon + 1);
  context.drawImage(earth, 1, 0, 2, SKY_ROWS, 0, horizon, width, height - horizon);
  const across = (bearing) => {
    let angle = bearing - camera.yaw;
    angle = Math.atan2(Math.sin(angle), Math.cos(angle));
    return Math.abs(angle) > 1.3 ? null : camera.centreX + camera.focal * Math.tan(angle);
  };
  if (paint.lens) {
    context.fillStyle = "#FFFFFF";
    for (let i = 0; i < 60; i++) {
      const x = across((chance(i, 1) - 0.5) * 6.2);
      if (x === null || x < 0 || x > width) continue;
      context.globalAlpha = 0.2 + 0.6 * chance(i, 3);
      const size = chance(i, 4) > 0.8 ? 1.8 : 1.1;
      context.fillRect(x, horizon * chance(i, 2) * 0.9, size, size);
    }
    context.globalAlpha = 1;
  }
  const sun = across(0.32);
  if (sun !== null) {
    const y = horizon * (paint.lens ? 0.3 : 0.46), r = horizon * 0.085;
    const disc = once("sun" + paint.glow, 240, 240, (on) => {
      const glow = on.createRadialGradient(120, 120, 12, 120, 120, 120);
      glow.addColorStop(0, paint.glow);
      glow.addColorStop(1, "rgba(255,255,255,0)");
      on.fillStyle = glow;
      on.fillRect(0, 0, 240, 240);
      on.fillStyle = paint.sun;
      on.beginPath();
      on.arc(120, 120, 24, 0, 2 * Math.PI);
      on.fill();
    });
    context.drawImage(disc, sun - r * 5, y - r * 5, r * 10, r * 10);
  }
  context.fillStyle = paint.cloud;
  for (let i = 0; i < 9; i++) {
    const x = across((chance(i, 7) - 0.5) * 6 + time * 0.0025);
    if (x === null) continue;
    const y = horizon * (0.14 + 0.42 * chance(i, 8)), size = horizon * (0.05 + 0.05 * chance(i, 9));
    context.beginPath();
    for (let k = -2; k <= 2; k++) {
      context.ellipse(x + k * size * 1.15, y - (2 - Math.abs(k)) * size * 0.32, size * (1.35 - 0.28 * Math.abs(k)), size * (0.62 - 0.12 * Math.abs(k)), 0, 0, 2 * Math.PI);
    }
    context.fill();
  }
  [[paint.far, 0.2, 1.7, 0], [paint.near, 0.1, 3.1, 5]].forEach(([colour, height, waves, shift]) => {
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(0, horizon + 2);
    for (let i = 0; i <= 48; i++) {
      const x = (i / 48) * width;
      const bearing = camera.yaw + Math.atan((x - camera.centreX) / camera.focal) + shift;
      const ridge = 0.5 + 0.28 * Math.sin(bearing * waves) + 0.16 * Math.sin(bearing * waves * 2.7 + 1) + 0.06 * Math.sin(bearing * waves * 7.1);
      context.lineTo(x, horizon - ridge * height * horizon);
    }
    context.lineTo(width, horizon + 2);
    context.fill();
  });
}

function drawGround(context, width, camera, paint, at, finish) {
  const [near, far] = [at.x - 25, at.x + REACH_M];
  const strip = (x0, x1, y0, y1, colour) => {
    if (!groundPath(context, camera, [[x0, y0, 0], [x1, y0, 0], [x1, y1, 0], [x0, y1, 0]])) return;
    context.fillStyle = colour;
    context.fill();
  };
  for (let i = Math.floor(near / 5); i * 5 < at.x + 35; i++) if (i % 2) strip(i * 5, i * 5 + 5, -70, 70, paint.band);
  strip(near, far, -ROAD - 0.5, ROAD + 0.5, paint.shoulder);
  strip(near, far, -ROAD, ROAD, paint.road[1]);
  strip(at.x + 16, far, -ROAD, ROAD, paint.road[2]);
  strip(at.x + 34, far, -ROAD, ROAD, paint.road[0]);
  for (const side of [-1, 1]) strip(near, far, side * (ROAD - 0.25), side * (ROAD - 0.13), paint.edge);
  for (let i = Math.floor(near / 4); i * 4 < far; i++) strip(i * 4, i * 4 + 1.8, -0.06, 0.06, paint.dash);
  context.strokeStyle = paint.tuft;
  context.lineWidth = 1.2;
  context.beginPath();
  for (let i = Math.floor(at.x / 2) - 2; i < at.x / 2 + 8; i++) {
    for (let j = 0; j < 8; j++) {
      const y = (j - 3.5) * 3.1 + chance(i, j) * 2.6;
      if (Math.abs(y) < ROAD + 0.7) continue;
      const s = camera.project([i * 2 + chance(i, j + 50) * 2, y, 0]);
      if (!s || s[0] < 0 || s[0] > width) continue;
      const size = 0.13 * s[2];
      context.moveTo(s[0] - size * 0.4, s[1] - size);
      context.lineTo(s[0], s[1]);
      context.lineTo(s[0] + size * 0.5, s[1] - size * 0.8);
    }
  }
  context.stroke();
  if (finish !== null) {
    // where a whole ride ends
    for (let i = 0; i < 8; i++) {
      for (let k = 0; k < 2; k++) {
        strip(finish + k * 0.4, finish + k * 0.4 + 0.4, -ROAD + 0.3 + i * 0.575, -ROAD + 0.3 + (i + 1) * 0.575, (i + k) % 2 ? "#FFFFFF" : "#2A323A");
      }
    }
  }
}

function drawTree(context, s, kind, paint) {
  const size = s[2];
  context.fillStyle = paint.trunk;
  context.fillRect(s[0] - 0.11 * size, s[1] - 1.3 * size, 0.22 * size, 1.3 * size);
  if (kind < 0.45) {
    for (let k = 0; k < 3; k++) {
      context.fillStyle = paint.leaf[k];
      const low = s[1] - (0.8 + k * 0.95) * size, half = (1.15 - k * 0.27) * size;
      context.beginPath();
      context.moveTo(s[0] - half, low);
      context.quadraticCurveTo(s[0], low + 0.25 * size, s[0] + half, low);
      context.lineTo(s[0], low - 1.6 * size);
      context.fill();
    }
    return;
  }
  [[0, 1.9, 1.15, 0], [-0.55, 2.35, 0.8, 1], [0.4, 2.75, 0.85, 1], [-0.15, 3.05, 0.6, 2]].forEach(([x, y, r, shade]) => {
    context.fillStyle = paint.leaf[shade];
    context.beginPath();
    context.arc(s[0] + x * size, s[1] - y * size, r * size, 0, 2 * Math.PI);
    context.fill();
  });
}

function drawTrees(context, width, camera, paint, at) {
  const things = [];
  for (let i = Math.floor((at.x - 6) / 7); i * 7 < at.x + REACH_M; i++) {
    for (const side of [-1, 1]) {
      if (chance(i, side) < 0.78) {
        const where = [i * 7 + chance(i, side + 10) * 5, side * (7.5 + 20 * chance(i, side + 20) ** 2), 0];
        things.push([where, chance(i, side + 30), 0.7 + 0.6 * chance(i, side + 40)]);
      }
      if (i % 2 === 0) things.push([[i * 7, side * (ROAD + 0.75), 0], -1, 1]);
    }
  }
  const seen = [];
  for (const [where, kind, size] of things) {
    const s = camera.project(where);
    if (!s || s[3] < 2.2 || s[0] < -3 * s[2] || s[0] > width + 3 * s[2]) continue;
    seen.push([s, kind, size]);
  }
  seen.sort((one, other) => other[0][3] - one[0][3]);
  for (const [s, kind, size] of seen) {
    context.globalAlpha = Math.min(1, (REACH_M - s[3]) / 25, (s[3] - 2.2) / 2.5);
    if (kind < 0) {
      context.fillStyle = paint.post;
      context.fillRect(s[0] - 0.06 * s[2], s[1] - 0.85 * s[2], 0.12 * s[2], 0.85 * s[2]);
      context.fillStyle = paint.postMark;
      context.fillRect(s[0] - 0.06 * s[2], s[1] - 0.72 * s[2], 0.12 * s[2], 0.16 * s[2]);
    } else {
      s[2] *= size;
      context.fillStyle = paint.shadow;
      context.beginPath();
      context.ellipse(s[0] - 0.7 * s[2], s[1], 1.5 * s[2], 0.2 * s[2], 0, 0, 2 * Math.PI);
      context.fill();
      drawTree(context, s, kind, paint);
    }
  }
  context.globalAlpha = 1;
}

// The friend who runs beside and holds the saddle: the fainter, the less is held.
function friend(pose, seat) {
  const rods = [];
  const sinH = Math.sin(pose.heading), cosH = Math.cos(pose.heading);
  const place = ([x, y, z]) => [pose.x + x * cosH - y * sinH, pose.y + x * sinH + y * cosH, z];
  const rod = (a, b, ra, rb) => rods.push({ a: a.world ?? place(a), b: b.world ?? place(b), ra, rb: rb ?? ra });
  const stride = pose.distance * 2.4 * pose.running;
  const bob = 0.035 * Math.abs(Math.sin(stride)) * pose.running;
  const x = -0.4, y = -0.92;
  const hip = [x, y, 0.95 + bob], chest = [x + 0.12, y, 1.42 + bob];
  rod(hip, chest, 0.12, 0.15);
  rod([chest[0] + 0.05, y, chest[2] + 0.27], [chest[0] + 0.07, y, chest[2] + 0.29], 0.105, 0.105);
  rod(chest, [chest[0] + 0.04, y, chest[2] + 0.2], 0.05);
  for (const side of [-1, 1]) {
    const swing = Math.sin(stride + (side > 0 ? Math.PI : 0)) * pose.running, lift = Math.max(0, Math.cos(stride + (side > 0 ? Math.PI : 0))) * pose.running;
    const foot = [x + 0.42 * swing, y + side * 0.09, 0.07 + 0.26 * lift];
    const from = [hip[0], y + side * 0.08, hip[2]];
    const knee = joint(from, foot, 0.46, 0.46, [1, 0, 0]);
    rod(from, knee, 0.085, 0.065);
    rod(knee, foot, 0.06, 0.04);
    rod(foot, [foot[0] + 0.15, foot[1], foot[2]], 0.04, 0.035);
  }
  const arm = [chest[0], y + 0.17, chest[2]];
  const towards = { world: seat };
  const elbow = [(chest[0] + -0.05) / 2, y + 0.42, 1.12 + bob];
  rod(arm, elbow, 0.055, 0.045);
  rod(elbow, pose.running > 0.3 ? towards : [elbow[0] + 0.1, elbow[1] - 0.1, 0.85], 0.045, 0.05);
  const back = Math.sin(stride) * 0.25 * pose.running;
  rod([chest[0], y - 0.17, chest[2]], [chest[0] - 0.08, y - 0.28, 1.14 + bob], 0.055, 0.045);
  rod([chest[0] - 0.08, y - 0.28, 1.14 + bob], [chest[0] + 0.18 + back, y - 0.22, 1.1 + bob + back * 0.4], 0.045, 0.04);
  return rods;
}

function drawFlat(context, camera, rods, colour, alpha) {
  context.globalAlpha = alpha;
  context.fillStyle = colour;
  context.beginPath();
  for (const one of rods) {
    const a = camera.project(one.a), b = camera.project(one.b);
    if (!a || !b) continue;
    const ra = one.ra * a[2], rb = one.rb * b[2];
    const dx = b[0] - a[0], dy = b[1] - a[1], d = Math.hypot(dx, dy);
    if (d <= Math.abs(ra - rb) + 1e-6) {
      const [p, r] = ra > rb ? [a, ra] : [b, rb];
      context.moveTo(p[0] + r, p[1]);
      context.arc(p[0], p[1], r, 0, 2 * Math.PI);
      continue;
    }
    const along = Math.atan2(dy, dx), tilt = Math.acos((ra - rb) / d);
    context.moveTo(a[0] + ra * Math.cos(along + tilt), a[1] + ra * Math.sin(along + tilt));
    context.arc(a[0], a[1], ra, along + tilt, along - tilt + 2 * Math.PI);
    context.arc(b[0], b[1], rb, along - tilt, along + tilt);
    context.closePath();
  }
  context.fill("nonzero");
  context.globalAlpha = 1;
}

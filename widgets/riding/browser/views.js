// The two pictures of one moment: from behind and from above.

const friendAlpha = (hand) => Math.min(0.8, 0.1 + 1.35 * hand);

function drawBehind(context, width, height, scene, paint) {
  const { eye } = scene;
  const camera = chaseCamera(width, height, { ...eye, zoom: scene.narrow ? 0.86 : 1.12, middle: eye.middle });
  drawSky(context, width, height, camera, paint, scene.time);
  drawGround(context, width, camera, paint, eye, scene.finish);
  drawTrees(context, width, camera, paint, eye);
  const { model, pose } = scene;
  if (paint.beam) drawBeam(context, camera, model.lamp, pose, paint);
  drawShadow(context, camera, model, paint.shadow, [0.18, -0.42]);
  if (scene.hand > 0.005) {
    const runner = friend(scene.friend, scene.seat);
    drawFlat(context, camera, runner, paint.ghost, friendAlpha(scene.hand));
  }
  if (scene.gauge) drawGauge(context, camera, scene, paint);
  drawBodies(context, camera, model, paint);
  drawDust(context, camera, scene.dust, paint);
  if (Math.abs(scene.gust) > 0.01) drawGust(context, width, height, camera, scene, paint);
}

function drawBeam(context, camera, lamp, pose, paint) {
  const ahead = (d, side) => [lamp[0] + d * Math.cos(pose.heading) - side * Math.sin(pose.heading), lamp[1] + d * Math.sin(pose.heading) + side * Math.cos(pose.heading), 0];
  for (const [reach, half, strength] of [[13, 2.6, 0.1], [9, 1.7, 0.12], [6, 1.1, 0.12]]) {
    if (!groundPath(context, camera, [ahead(0.4, -0.15), ahead(reach * 0.75, -half), ahead(reach, -half * 0.5), ahead(reach, half * 0.5), ahead(reach * 0.75, half), ahead(0.4, 0.15)])) continue;
    context.fillStyle = paint.beam + strength + ")";
    context.fill();
  }
}

// How far it leans, and where it falls.
function drawGauge(context, camera, scene, paint) {
  const { pose } = scene;
  const middle = camera.project([pose.x + 0.4 * Math.cos(pose.heading), pose.y + 0.4 * Math.sin(pose.heading), 0]);
  if (!middle) return;
  const radius = 2.12 * middle[2], fall = scene.fallRoll;
  const up = -Math.PI / 2;
  const lean = Math.max(-fall, Math.min(fall, pose.roll));
  const danger = Math.abs(lean) / fall;
  context.lineCap = "round";
  context.lineWidth = Math.max(5, 0.045 * middle[2]);
  context.strokeStyle = paint.gauge;
  context.beginPath();
  context.arc(middle[0], middle[1], radius, up - fall, up + fall);
  context.stroke();
  context.strokeStyle = "#D1495B";
  for (const side of [-1, 1]) {
    context.globalAlpha = 0.35 + 0.65 * (Math.sign(lean) === side ? danger : 0);
    context.beginPath();
    context.arc(middle[0], middle[1], radius, ...(side > 0 ? [up + fall * 0.8, up + fall] : [up - fall, up - fall * 0.8]));
    context.stroke();
  }
  context.globalAlpha = 1;
  const [x, y] = [middle[0] + radius * Math.sin(lean), middle[1] - radius * Math.cos(lean)];
  context.beginPath();
  context.arc(x, y, Math.max(7, 0.07 * middle[2]), 0, 2 * Math.PI);
  context.fillStyle = danger > 0.75 ? "#D1495B" : "#E8762C";
  context.fill();
  context.lineWidth = 2.5;
  context.strokeStyle = paint.halo;
  context.stroke();
}

function drawGust(context, width, height, camera, scene, paint) {
  // A gust pushes to the side of its sign: streaks of air come from the other one.
  const strength = Math.min(1, Math.abs(scene.gust) / 0.08), side = Math.sign(scene.gust);
  context.strokeStyle = paint.lens ? "rgba(190,215,235,1)" : "rgba(255,255,255,1)";
  context.lineWidth = 2;
  context.lineCap = "round";
  context.globalAlpha = 0.6 * strength;
  context.beginPath();
  for (let i = 0; i < 6; i++) {
    const phase = (scene.time * 1.9 + chance(i, 77)) % 1;
    const y = height * (0.28 + 0.09 * i + 0.03 * Math.sin(i * 5)), start = width * (0.5 - side * (0.42 - 0.2 * phase));
    const long = width * 0.06 * (0.6 + strength);
    context.moveTo(start, y);
    context.bezierCurveTo(start + side * long * 0.4, y - 5, start + side * long * 0.7, y + 4, start + side * long, y);
  }
  context.stroke();
  context.globalAlpha = 1;
}

function drawDust(context, camera, dust, paint) {
  for (const one of dust) {
    const s = camera.project(one.at);
    if (!s) continue;
    context.fillStyle = paint.dust + (0.5 * one.life * one.life).toFixed(3) + ")";
    context.beginPath();
    context.arc(s[0], s[1], (0.07 + 0.2 * (1 - one.life)) * s[2], 0, 2 * Math.PI);
    context.fill();
  }
}

function drawAbove(context, width, height, scene, paint) {
  const { pose, model } = scene;
  const scale = scene.narrow ? height / 4.9 : Math.max(width / 6.6, height / 10);
  const ahead = 0.62;
  const camera = planCamera(width, height, { x: pose.x + 0.5, y: scene.planY, scale, middle: ahead });
  const [left, right] = [scene.planY - width / 2 / scale, scene.planY + width / 2 / scale];
  const [low, high] = [pose.x + 0.5 - (height * (1 - ahead)) / scale, pose.x + 0.5 + (height * ahead) / scale];
  const box = (x0, x1, y0, y1, colour) => {
    const [a, b] = [camera.project([x1, y0, 0]), camera.project([x0, y1, 0])];
    context.fillStyle = colour;
    context.fillRect(a[0], a[1], b[0] - a[0], b[1] - a[1]);
  };
  context.fillStyle = paint.grass[1];
  context.fillRect(0, 0, width, height);
  for (let i = Math.floor(low / 2.5); i * 2.5 < high; i++) if (i % 2) box(i * 2.5, i * 2.5 + 2.5, left, right, paint.band);
  box(low, high, -ROAD - 0.5, ROAD + 0.5, paint.shoulder);
  box(low, high, -ROAD, ROAD, paint.road[1]);
  for (const side of [-1, 1]) box(low, high, side * (ROAD - 0.19) - 0.06, side * (ROAD - 0.19) + 0.06, paint.edge);
  for (let i = Math.floor(low / 4); i * 4 < high; i++) box(i * 4, i * 4 + 1.8, -0.05, 0.05, paint.dash);
  if (scene.finish !== null && scene.finish < high && scene.finish > low - 1) {
    for (let i = 0; i < 8; i++) for (let k = 0; k < 2; k++) {
      box(scene.finish + k * 0.4, scene.finish + k * 0.4 + 0.4, -ROAD + 0.3 + i * 0.575, -ROAD + 0.3 + (i + 1) * 0.575, (i + k) % 2 ? "#FFFFFF" : "#2A323A");
    }
  }
  const trail = (points, colour, wide) => {
    context.strokeStyle = colour;
    context.lineWidth = wide;
    context.lineJoin = context.lineCap = "round";
    context.beginPath();
    points.forEach((p, index) => {
      const s = camera.project([p[0], p[1], 0]);
      if (index) context.lineTo(s[0], s[1]);
      else context.moveTo(s[0], s[1]);
    });
    context.stroke();
  };
  if (scene.trail.length > 1) {
    trail(scene.trail.map((p) => [p[2], p[3]]), paint.frontTrack, Math.max(2, 0.035 * scale));
    trail(scene.trail.map((p) => [p[0], p[1]]), paint.track, Math.max(2, 0.045 * scale));
  }
  for (let i = Math.floor((low - 2) / 3.4); i * 3.4 < high + 2; i++) {
    for (const side of [-1, 1]) {
      if (chance(i, side + 60) > 0.5) continue;
      const [x, y, r] = [i * 3.4 + chance(i, side + 61) * 2, side * (4.6 + 1.6 * chance(i, side + 62)), 0.55 + 0.4 * chance(i, side + 63)];
      [[1, 0, 0, 0], [0.72, -0.1, -0.12, 1], [0.4, -0.2, -0.2, 2]].forEach(([size, dx, dy, shade]) => {
        const s = camera.project([x - dy * r, y + dx * r, 0]);
        context.fillStyle = paint.leaf[shade];
        context.beginPath();
        context.arc(s[0], s[1], r * size * scale, 0, 2 * Math.PI);
        context.fill();
      });
    }
  }
  drawShadow(context, camera, model, paint.shadow, [0.1, -0.22]);
  if (scene.hand > 0.005) drawFlat(context, camera, friend(scene.friend, scene.seat), paint.ghost, friendAlpha(scene.hand));
  // where the front wheel points
  const { wheelbase } = scene.shape;
  const foot = [pose.x + wheelbase * Math.cos(pose.heading), pose.y + wheelbase * Math.sin(pose.heading)];
  const ray = (angle, from, to) => [from, to].map((d) => camera.project([foot[0] + d * Math.cos(pose.heading + angle), foot[1] + d * Math.sin(pose.heading + angle), 0]));
  if (scene.gauge) {
    const turned = pose.fork * scene.cosTilt;
    const at = camera.project([foot[0], foot[1], 0]);
    const angle = (a) => pose.heading + a - Math.PI / 2;
    context.fillStyle = "rgba(232,118,44,.35)";
    context.beginPath();
    context.moveTo(at[0], at[1]);
    context.arc(at[0], at[1], 1.25 * scale, Math.min(angle(0), angle(turned)), Math.max(angle(0), angle(turned)));
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = paint.ink;
    context.setLineDash([4, 5]);
    context.globalAlpha = 0.7;
    const [a, b] = ray(0, 0.4, 1.4);
    context.beginPath();
    context.moveTo(a[0], a[1]);
    context.lineTo(b[0], b[1]);
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
    const [c, d] = ray(turned, 0.4, 1.4);
    context.strokeStyle = "#E8762C";
    context.lineWidth = 3.5;
    context.beginPath();
    context.moveTo(c[0], c[1]);
    context.lineTo(d[0], d[1]);
    context.stroke();
  }
  drawBodies(context, camera, model, paint);
  drawDust(context, camera, scene.dust, paint);
}

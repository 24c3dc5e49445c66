// Two ways to look at the same world. World: X along the road, Y to the right, Z up, in metres.

// From behind: a pinhole that follows the rider and never leans.
function chaseCamera(width, height, eye) {
  const focal = eye.zoom * height;
  const [sinYaw, cosYaw, sinPitch, cosPitch] = [
    Math.sin(eye.yaw), Math.cos(eye.yaw), Math.sin(eye.pitch), Math.cos(eye.pitch),
  ];
  const centreX = width / 2, centreY = height * eye.middle;
  return {
    near: 0.35,
    focal,
    horizon: centreY - focal * Math.tan(eye.pitch),
    centreX,
    yaw: eye.yaw,
    view(p) {
      const dx = p[0] - eye.x, dy = p[1] - eye.y, dz = p[2] - eye.z;
      const ahead = dx * cosYaw + dy * sinYaw;
      return [dy * cosYaw - dx * sinYaw, ahead * sinPitch + dz * cosPitch, ahead * cosPitch - dz * sinPitch];
    },
    onScreen(v) {
      return [centreX + (focal * v[0]) / v[2], centreY - (focal * v[1]) / v[2], focal / v[2], v[2]];
    },
    project(p) {
      const v = this.view(p);
      return v[2] < this.near ? null : this.onScreen(v);
    },
  };
}

// From above: a plan, forward is up.
function planCamera(width, height, eye) {
  return {
    project: (p) => [
      width / 2 + (p[1] - eye.y) * eye.scale, height * eye.middle - (p[0] - eye.x) * eye.scale, eye.scale, -p[2],
    ],
  };
}

// A polygon on the ground, cut where it passes behind the camera.
function groundPath(context, camera, points) {
  const seen = points.map((p) => camera.view(p));
  const kept = [];
  for (let i = 0; i < seen.length; i++) {
    const a = seen[i], b = seen[(i + 1) % seen.length];
    if (a[2] >= camera.near) kept.push(a);
    if (a[2] >= camera.near !== b[2] >= camera.near) {
      const t = (camera.near - a[2]) / (b[2] - a[2]);
      kept.push([a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), camera.near]);
    }
  }
  if (kept.length < 3) return false;
  context.beginPath();
  kept.forEach((v, index) => {
    const [x, y] = camera.onScreen(v);
    if (index) context.lineTo(x, y);
    else context.moveTo(x, y);
  });
  context.closePath();
  return true;
}

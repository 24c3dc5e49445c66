// The motion: one exact step of the machine, as core/riding/visitor.py writes it, in the same order of operations,
// so that Python gets the same numbers to the last bit from the same inputs.

function makeRide(rule, mount, conditions) {
  return {
    rule,
    mount,
    conditions,
    x: conditions.start.map((value, index) => value * mount.signs[index]),
    before: conditions.start.map((value, index) => value * mount.signs[index]),
    muscle: 0,
    steps: 0,
    fell: false,
    over: false,
    inputs: [], // run lengths: [level, steps]
  };
}

function advance(ride, level) {
  const { rule, mount, conditions, x } = ride;
  const wish = level / rule.levels;
  ride.muscle = ride.muscle + (wish - ride.muscle) * rule.muscle;
  const firm = Math.abs(ride.muscle);
  let torque = rule.stiffness * (rule.reach * ride.muscle - firm * x[1]) - rule.damping * firm * x[3];
  torque = Math.min(Math.max(torque, -rule.torque), rule.torque);
  const gust = conditions.gusts[Math.floor(ride.steps / rule.gustSteps) % conditions.gusts.length];
  const roll = mount.weight * (gust - conditions.hand * (x[0] + rule.calm * x[2]));
  const next = Array.from({ length: 6 });
  for (let i = 0; i < 6; i++) {
    const row = mount.a[i];
    let total = row[0] * x[0];
    for (let j = 1; j < 6; j++) total = total + row[j] * x[j];
    next[i] = total + mount.b[i] * torque + mount.g[i] * roll;
  }
  ride.before = x;
  ride.x = next;
  ride.steps += 1;
  const last = ride.inputs[ride.inputs.length - 1];
  if (last && last[0] === level) last[1] += 1;
  else ride.inputs.push([level, 1]);
  ride.fell = !(Math.abs(next[0]) < rule.fallRoll && Math.abs(next[1]) < rule.fallSteer);
  ride.over = ride.fell || ride.steps >= rule.steps;
}

// For tests: a whole ride from a list of inputs, every state on the way.
function integrate(rule, mount, conditions, inputs) {
  const ride = makeRide(rule, mount, conditions);
  const states = [ride.x];
  for (const level of inputs) {
    if (ride.over) break;
    advance(ride, level);
    states.push(ride.x);
  }
  return { states, seconds: ride.steps * rule.dt, fell: ride.fell };
}

// The place on the seed plane as parameters: where it is, and how fast it moves.
(() => {
  const T = window.Twofold;

  const FASTEST = 4; // seeds a second
  const AROUND = 2; // seeds each way, in which a new mapping moves a place
  const AXES = () => [
    ["x", T.t("Place, across"), T.t("Speed, across")],
    ["y", T.t("Place, down"), T.t("Speed, down")],
  ];

  // Adds them. travel(dx, dy) moves by so many seeds; shown(): whether the picture can be seen, without which it stays.
  T.travelParameters = (travel, shown) => {
    const speed = { x: 0, y: 0 }; // seeds a second
    let last = null; // when the last step was made, while it moves
    const step = (now) => {
      if (!speed.x && !speed.y) {
        last = null;
        return;
      }
      const seconds = Math.min(0.1, Math.max(0, (now - last) / 1000));
      last = now;
      if (shown()) travel(speed.x * seconds, speed.y * seconds);
      requestAnimationFrame(step);
    };
    const setSpeed = (axis, value) => {
      speed[axis] = value;
      if (last !== null || !value) return;
      last = performance.now();
      requestAnimationFrame(step);
    };
    for (const [axis, place, pace] of AXES()) {
      T.parameters.add({
        name: `place.${axis}`,
        label: place,
        low: -T.maxCoordinate,
        high: T.maxCoordinate,
        get: () => T.state[axis],
        set: (value) => T.set({ [axis]: value }),
        usual: () => [T.state[axis] - AROUND, T.state[axis] + AROUND],
      });
      T.parameters.add({ name: `speed.${axis}`, label: pace, low: -FASTEST, high: FASTEST, get: () => speed[axis], set: (value) => setSpeed(axis, value), usual: [-FASTEST / 2, FASTEST / 2] });
    }
  };
})();

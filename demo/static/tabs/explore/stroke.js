// Strokes: plain functions of points [x, y]. A stroke of hundreds of points becomes a few that keep its shape.
(() => {
  const T = window.Twofold;

  const apart = ([ax, ay], [bx, by]) => Math.hypot(ax - bx, ay - by);
  // How far a point is from the stretch between two others.
  const offLine = (point, from, to) => {
    const length = apart(from, to);
    if (length === 0) return apart(point, from);
    const along = ((point[0] - from[0]) * (to[0] - from[0]) + (point[1] - from[1]) * (to[1] - from[1])) / length ** 2;
    const share = Math.min(1, Math.max(0, along));
    return apart(point, [from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]);
  };

  T.stroke = {
    apart,
    // The length of the stroke up to each of its points.
    lengths(points) {
      const sums = [];
      points.forEach((point, i) => sums.push(i ? sums[i - 1] + apart(point, points[i - 1]) : 0));
      return sums;
    },
    // The numbers of at most `most` points that keep the shape best: first both ends, then, as Douglas and Peucker (1973)
    // choose them, always the point that is farthest from what the chosen ones draw, until all are nearer than `close`.
    simplified(points, most, close = 0) {
      if (points.length < 2) return points.map((_, i) => i);
      const farthest = (from, to) => {
        let best = { at: -1, distance: close, from, to };
        for (let at = from + 1; at < to; at += 1) {
          const distance = offLine(points[at], points[from], points[to]);
          if (distance > best.distance) best = { at, distance, from, to };
        }
        return best;
      };
      const chosen = [0, points.length - 1];
      let gaps = [farthest(0, points.length - 1)];
      while (chosen.length < most) {
        const widest = gaps.reduce((one, other) => (other.distance > one.distance ? other : one));
        if (widest.at < 0) break;
        chosen.push(widest.at);
        gaps = gaps.filter((gap) => gap !== widest).concat(farthest(widest.from, widest.at), farthest(widest.at, widest.to));
      }
      return chosen.sort((one, other) => one - other);
    },
  };
})();

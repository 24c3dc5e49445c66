// Axe does not look into charts. Every word there, with its colour and what is painted below its middle: the page's own
// ground and, one over the other, the shapes of the chart that were drawn before it. Words on a heat map's image are
// left out, those are for the tests of the figures; so are dots, over which a tick's label may lie by chance.
() => {
    const parts = colour => {
        const all = (colour.match(/[\d.]+/g) ?? []).map(Number);
        return all.length < 3 ? null : [...all.slice(0, 3), all[3] ?? 1];
    };
    const over = (top, below) => below.map((one, place) => one + (top[place] - one) * top[3]);
    const part = value => { const x = value / 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; };
    const light = colour => 0.2126 * part(colour[0]) + 0.7152 * part(colour[1]) + 0.0722 * part(colour[2]);
    const opaque = one => { let all = 1; for (; one && one.nodeName !== 'BODY'; one = one.parentElement) all *= getComputedStyle(one).opacity; return all; };
    const page = parts(getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor).slice(0, 3);
    const mark = words => /^[■━┅▪ ★●◆▲]+$/.test(words); // in a key: the colour of what is drawn, not a word
    const found = [];
    for (const plot of document.querySelectorAll('.js-plotly-plot')) {
        const shapes = [...plot.querySelectorAll('.main-svg path, .main-svg rect, .main-svg circle')].filter(
            one => !one.matches('path.point') && !one.closest('defs, clipPath') && parts(getComputedStyle(one).fill) && opaque(one) > 0.01);
        const images = [...plot.querySelectorAll('.main-svg image')].map(one => one.getBoundingClientRect());
        for (const word of plot.querySelectorAll('.main-svg text, .main-svg tspan')) {
            const own = [...word.childNodes].filter(one => one.nodeType === 3).map(one => one.data).join('').trim();
            const box = word.getBoundingClientRect(), style = getComputedStyle(word), alone = opaque(word);
            if (!own || mark(own) || !box.width || alone < 0.01 || style.visibility === 'hidden') continue;
            const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
            const within = one => x >= one.left && x <= one.right && y >= one.top && y <= one.bottom;
            if (images.some(within)) continue;
            let ground = page;
            for (const shape of shapes) {
                if (!(shape.compareDocumentPosition(word) & 4) || !within(shape.getBoundingClientRect())) continue;
                if (!shape.isPointInFill(new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse()))) continue;
                const fill = parts(getComputedStyle(shape).fill);
                ground = over([...fill.slice(0, 3), fill[3] * getComputedStyle(shape).fillOpacity * opaque(shape)], ground);
            }
            const fill = parts(style.fill);
            const ink = over([...fill.slice(0, 3), fill[3] * style.fillOpacity * alone], ground);
            const [low, high] = [light(ink), light(ground)].sort((a, b) => a - b);
            const ratio = (high + 0.05) / (low + 0.05), size = parseFloat(style.fontSize);
            const big = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
            const said = `${ratio.toFixed(2)}: rgb(${ink.map(Math.round)}) on rgb(${ground.map(Math.round)}), ${size}px`;
            if (ratio < (big ? 3 : 4.5) - 0.005) found.push([plot.closest('[class*=st-key-]')?.className ?? '', own, said]);
        }
    }
    return found;
}

// What a browser gives to a page, for Node: addresses as seen from the page's own host, the session of whoever is signed in,
// and a location that can be left for another. The page is `page.mjs` beside this file, and knows nothing of all this.
// The last line that is printed says what the page did.
if (typeof fetch !== 'function') {
  console.error(`node ${process.version} cannot do what browsers do; 18 or newer is needed`);
  process.exit(1);
}
const [base, token] = process.argv.slice(2);
const told = { landed: null, errors: [] };
const network = globalThis.fetch;
const session = { authorization: `Bearer ${token}`, origin: base, 'sec-fetch-site': 'same-origin' };

globalThis.fetch = (address, init = {}) => {
  const headers = { ...Object.fromEntries(new Headers(init.headers)), ...session };
  return network(new URL(address, base), { ...init, headers });
};
console.error = (...words) => told.errors.push(words.map(String).join(' '));

const visit = async (address) => {
  const answer = await fetch(address);
  const bytes = (await answer.arrayBuffer()).byteLength;
  told.landed = { address, status: answer.status, type: answer.headers.get('content-type'), bytes };
};
globalThis.window = {
  location: {
    set href(address) {
      visit(address).catch((why) => told.errors.push(String(why)));
    },
  },
};

// Nothing is left to be done: no timer, no request.
process.on('exit', () => console.log(JSON.stringify(told)));
await import('./page.mjs');

// Runs the GraphQL over HTTP audit suite against the URL given as argument and
// prints one JSON object a line: {id, name, status, reason}.
import { serverAudits } from 'graphql-http';

const url = process.argv[2];
const fetchFn = (target, init = {}) =>
  fetch(target, { ...init, headers: { 'x-api-id': 'reader', ...init.headers } });

for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  console.log(JSON.stringify({ id, name, status, reason }));
}

'use strict';
(() => {
  // The style elements that the bundle makes need the page's nonce.
  window.__webpack_nonce__ = document.body.dataset.nonce;

  const welcome = `# Enter a key's id and secret (or a token) above, then press Ctrl-Enter.
query ClosedConversations($from: DateTime!, $to: DateTime!) {
  closedConversations(interval: {from: $from, to: $to}, first: 10, orderBy: CLOSED_AT_DESC) {
    edges {
      node {
        id
        channel
        createdAt
        closedAt
        duration
        satisfactionSurvey { customerSatisfaction netPromoterScore }
        contacts { ordinal status ending durationMs operator { id kind } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`;
  const day = 24 * 60 * 60 * 1000;
  const variables = JSON.stringify({
    from: new Date(Date.now() - 30 * day).toISOString(),
    to: new Date(Date.now() + day).toISOString(),
  }, null, 2);

  const element = (id) => document.getElementById(id);
  const state = (text, kind) => {
    element('state').textContent = text;
    element('state').dataset.state = kind;
  };

  // A new fetcher makes GraphiQL ask for the schema again.
  const fetcherWith = (credentials) => async (parameters, options) => {
    const response = await fetch('graphql', {
      method: 'POST',
      credentials: 'omit',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...credentials,
        ...(options && options.headers),
      },
      body: JSON.stringify(parameters),
    });
    if (Object.keys(credentials).length > 0) {
      if (response.status === 401) state('refused', 'bad');
      else if (response.status === 403) state('the scope read is missing', 'bad');
      else state('in use', 'good');
    }
    return response.json();
  };

  const root = ReactDOM.createRoot(element('graphiql'));
  const show = (credentials) => root.render(React.createElement(GraphiQL, {
    fetcher: fetcherWith(credentials),
    defaultQuery: welcome,
    variables,
    defaultEditorToolsVisibility: 'variables',
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
  }));

  element('credentials').addEventListener('submit', (event) => {
    event.preventDefault();
    const id = element('key-id').value.trim();
    const secret = element('key-secret').value.trim();
    const token = element('token').value.trim();
    if (token && (id || secret)) return state('a key or a token, not both', 'bad');
    if (token) show({ authorization: 'Bearer ' + token });
    else if (id && secret) show({ 'x-api-id': id, 'x-api-secret': secret });
    else state('x-api-id and x-api-secret go together', 'bad');
  });
  show({});
})();

// session.js -- the token, and asking the kernel with it.
//
// The token is in this tab's sessionStorage and nowhere else: it goes when the tab does. It travels in
// a header, so no other page can make this browser send it.

const place = "larder.token";

export const token = () => sessionStorage.getItem(place) ?? "";
export const keep = (text) => sessionStorage.setItem(place, text);
export const forget = () => sessionStorage.removeItem(place);

/** What the kernel did not grant: `status` is HTTP's, 0 if nobody answered. */
export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

const said = {
  401: "The kernel asks for a token.",
  403: "The role of this token does not allow it.",
  404: "This kernel has no such endpoint.",
  429: "Asked too often: [admin] rate in larder.toml limits it.",
};

/** A JSON answer of this kernel. Throws Refused. */
export async function ask(path, {signal, method = "GET", body} = {}) {
  const headers = {Accept: "application/json"};
  if (token()) headers.Authorization = `Bearer ${token()}`;
  let answer;
  try {
    answer = await fetch(path, {
      method, body, headers, cache: "no-store", credentials: "omit", redirect: "error",
      signal: AbortSignal.any([AbortSignal.timeout(8000), ...(signal ? [signal] : [])]),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, "The kernel does not answer.");
  }
  const text = await answer.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    if (answer.ok) throw new Refused(502, "What answered is not a kernel: no JSON.");
  }
  if (!answer.ok) throw new Refused(answer.status, said[answer.status] ?? json?.error ?? `The kernel answered ${answer.status}.`);
  return json;
}

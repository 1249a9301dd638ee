// The page at `/`: shows the catalog, sends an order, follows it. No dependency and no build step.
// Everything from the server enters the document as text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
const path = ["received", "verifying", "approved", "queued", "executing", "executed"];
const terminal = new Set(["executed", "rejected", "cancelled", "expired", "failed"]);
const maximumQuantity = 99;
const requestTimeout = 20000;  // milliseconds; an order's own deadline is far shorter

const sentences = {
  received: "We have your order.",
  verifying: "Items, buyer and card are being checked.",
  approved: "All checks passed. It is about to be queued.",
  queued: "It waits for its turn.",
  executing: "It is being carried out.",
  executed: "Done: your order has been carried out.",
  interrupted: "The checks were cut short. Send the order again to resume them.",
  rejected: "A check did not pass. Nothing is carried out.",
  cancelled: "It was cancelled before it was carried out.",
  expired: "It was not carried out in time and has expired.",
  failed: "It could not be carried out. An operator can try it again.",
};
const headings = {
  executed: "Your order is done", interrupted: "Order interrupted", rejected: "Order rejected",
  cancelled: "Order cancelled", expired: "Order expired", failed: "Order failed",
};

let catalog = { currency: "EUR", items: [] };
let bySKU = new Map();
const cart = new Map();        // sku → quantity, 1 or more
let attempt = null;            // {body, key}: kept until there is an answer, so that a repeat cannot order twice
let submitted = [];            // the items as sent, to find the input of `/items/<n>/…`
let sending = false;
let following = null;          // {id, stop()}

// --- Small tools -------------------------------------------------------------------------------------------

function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function money(minorUnits, currency = catalog.currency) {
  try {
    const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
    return format.format(minorUnits / 10 ** format.resolvedOptions().maximumFractionDigits);
  } catch {
    return `${(minorUnits / 100).toFixed(2)} ${currency}`;
  }
}

// `randomUUID` exists in secure contexts only, and a warehouse's page is often plain HTTP on a local address.
function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

function say(text) { $("live").textContent = text; }

function offline(text) {
  $("offline").textContent = text;
  $("offline").hidden = text === "";
}

// Fetches JSON. Returns `{status, body}`; `status` is 0 when there was no answer at all.
async function request(url, options = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), requestTimeout);
  try {
    const response = await fetch(url, { cache: "no-store", signal: abort.signal, ...options });
    let body = null;
    try { body = await response.json(); } catch { /* an answer without JSON is judged by its status */ }
    offline("");
    return { status: response.status, body };
  } catch {
    offline("No connection to the server.");
    return { status: 0, body: null };
  } finally {
    clearTimeout(timer);
  }
}

// --- Items and cart ----------------------------------------------------------------------------------------

async function loadCatalog() {
  $("items").setAttribute("aria-busy", "true");
  $("catalog-state").replaceChildren("Loading the items …");
  const { status, body } = await request("/v1/catalog");
  $("items").removeAttribute("aria-busy");
  if (status !== 200 || !Array.isArray(body?.items)) {
    const again = element("button", { type: "button", className: "secondary small-button" }, "Try again");
    again.addEventListener("click", loadCatalog);
    const why = status === 0 ? "The server did not answer. " : `The items could not be loaded (${status}). `;
    $("catalog-state").replaceChildren(element("p", { className: "error" }, why), again);
    return;
  }
  catalog = body;
  bySKU = new Map(body.items.map((item) => [item.sku, item]));
  $("catalog-state").replaceChildren(...(body.items.length ? [] : ["There is nothing for sale at the moment."]));
  $("items").replaceChildren(...body.items.map(itemRow));
  showCart();
}

function itemRow(item, index) {
  const id = `quantity-${index}`;
  const input = element("input", {
    id, value: "0", inputMode: "numeric", autocomplete: "off", maxLength: 2, "data-sku": item.sku,
    "aria-label": `Quantity of ${item.title}`,
  });
  const less = element("button", { type: "button", "aria-label": `One ${item.title} less`, disabled: true }, "−");
  const more = element("button", { type: "button", "aria-label": `One ${item.title} more` }, "+");
  less.addEventListener("click", () => setQuantity(item.sku, (cart.get(item.sku) ?? 0) - 1));
  more.addEventListener("click", () => setQuantity(item.sku, (cart.get(item.sku) ?? 0) + 1));
  input.addEventListener("change", () => setQuantity(item.sku, Number.parseInt(input.value, 10)));
  input.addEventListener("focus", () => input.select());
  const tags = item.tags?.length ? [" ", element("small", {}, `· ${item.tags.join(", ")}`)] : [];
  return element("li", {},
    element("div", { className: "what" }, element("b", {}, item.title),
      element("span", { className: "price" }, money(item.price)), ...tags),
    element("div", { className: "stepper", role: "group", "aria-label": item.title }, less, input, more));
}

function setQuantity(sku, wanted) {
  const quantity = Math.min(Math.max(Number.isFinite(wanted) ? wanted : 0, 0), maximumQuantity);
  if (quantity === 0) cart.delete(sku);
  else cart.set(sku, quantity);
  showCart();
  const title = bySKU.get(sku)?.title ?? sku;
  say(`${title}: ${quantity}. Total ${money(total())}.`);
}

function total() {
  let sum = 0;
  for (const [sku, quantity] of cart) sum += (bySKU.get(sku)?.price ?? 0) * quantity;
  return sum;
}

function line(title, quantity, amount) {
  return element("li", {}, element("span", {}, quantity === null ? title : `${quantity} × ${title}`),
    amount === null ? null : element("span", { className: "amount" }, amount));
}

function showCart() {
  let count = 0;
  const lines = [];
  for (const [sku, quantity] of cart) {
    const item = bySKU.get(sku);
    count += quantity;
    lines.push(line(item?.title ?? sku, quantity, item ? money(item.price * quantity) : null));
  }
  $("cart-lines").replaceChildren(...lines);
  $("cart-empty").hidden = count > 0;
  $("total").textContent = money(total());
  $("cart-link").textContent =
    count === 0 ? "Empty cart" : `${count} ${count === 1 ? "item" : "items"} · ${money(total())}`;
  for (const input of $("items").querySelectorAll("input")) {
    const quantity = cart.get(input.dataset.sku) ?? 0;
    input.value = String(quantity);
    input.previousElementSibling.disabled = quantity === 0;
    input.nextElementSibling.disabled = quantity >= maximumQuantity;
  }
  if (count > 0) $("items-error").hidden = true;
}

// --- What is wrong, and where ------------------------------------------------------------------------------

// The control that a server's field name is about: a JSON pointer, or the dotted form of it. Null when there is none.
function controlFor(field) {
  if (!field) return null;
  const pointer = `/${field.replace(/\[(\d+)\]/g, "/$1").replaceAll(".", "/").replace(/^\/+/, "")}`;
  const item = /^\/items\/(\d+)/.exec(pointer);
  if (item) {
    const sku = submitted[Number(item[1])]?.sku;
    return [...$("items").querySelectorAll("input")].find((input) => input.dataset.sku === sku) ?? null;
  }
  if (pointer === "/items") return $("items").querySelector("input");
  const owner = document.querySelector(`[data-field="${CSS.escape(pointer)}"]`);
  return owner instanceof HTMLFieldSetElement ? owner.querySelector("input:checked, input") : owner;
}

function clearError(control) {
  control.removeAttribute("aria-invalid");
  control.removeAttribute("aria-describedby");
  $(`${control.id}-error`)?.remove();
}

function clearErrors() {
  for (const control of $("checkout").querySelectorAll('[aria-invalid="true"]')) clearError(control);
  $("items-error").hidden = true;
  $("problem").hidden = true;
}

function markError(control, message) {
  if (!control.id) control.id = `control-${control.name}-${control.value}`;
  const id = `${control.id}-error`;
  const row = control.closest("li");
  const place = row ? row.querySelector(".what") : control.closest(".field, fieldset") ?? control.parentElement;
  if ($(id)) $(id).textContent += ` ${message}`;
  else place.append(element("span", { id, className: "error" }, message));
  control.setAttribute("aria-invalid", "true");
  control.setAttribute("aria-describedby", id);
}

// Shows one summary above the form, whose entries lead to the fields, and moves the focus to it.
function showProblem(title, { sentences: lines = [], findings = [], retry = null, suggestions = null } = {}) {
  const list = element("ul");
  for (const { field, message } of findings) {
    const control = controlFor(field);
    if (!control) {
      list.append(element("li", {}, field ? `${message} (${field})` : message));
      continue;
    }
    if (/^\/?items$/.test(field)) {
      $("items-error").textContent = message;
      $("items-error").hidden = false;
    } else {
      markError(control, message);
    }
    const link = element("a", { href: `#${control.id}` }, message);
    link.addEventListener("click", (event) => { event.preventDefault(); control.focus(); });
    list.append(element("li", {}, link));
  }
  const body = lines.filter(Boolean).map((text) => element("p", {}, text));
  if (list.childElementCount) body.push(list);
  if (retry) {
    const again = element("button", { type: "button", className: "secondary" }, "Try again");
    again.addEventListener("click", retry);
    body.push(again);
  }
  if (suggestions) body.push(element("p", {}, "You might like:"), suggestions);
  $("problem-title").textContent = title;
  $("problem-body").replaceChildren(...body);
  $("problem").hidden = false;
  $("problem").focus();
}

// What the browser can tell without the server; everything else is for the checks to say.
function localFindings() {
  const findings = [];
  const need = (id, valid, message) => {
    if (!valid($(id).value.trim())) findings.push({ field: $(id).dataset.field, message });
  };
  const given = (text) => text !== "";
  const digits = (text) => text.replace(/[\s-]/g, "");
  if (cart.size === 0) findings.push({ field: "/items", message: "Add at least one item." });
  need("name", given, "Enter your name.");
  need("email", (text) => /^[^\s@]+@[^\s@]+$/.test(text), "Enter an email address, like ada@example.org.");
  need("street", given, "Enter the street and number.");
  need("postal-code", given, "Enter the postal code.");
  need("city", given, "Enter the city.");
  need("country", given, "Choose the country.");
  need("card-holder", given, "Enter the name on the card.");
  need("card-number", (text) => /^\d{12,19}$/.test(digits(text)), "Enter the card number: 12 to 19 digits.");
  need("card-expiry", (text) => /^(0[1-9]|1[0-2])\/\d\d$/.test(text), "Enter the expiry as MM/YY, like 12/30.");
  need("card-cvv", (text) => /^\d{3,4}$/.test(text), "Enter the security code: 3 or 4 digits.");
  if (!$("terms").checked) findings.push({ field: "/acceptTerms", message: "Accept the terms of sale." });
  return findings;
}

// --- Sending an order --------------------------------------------------------------------------------------

function orderDocument() {
  const value = (id) => $(id).value.trim();
  const method = document.querySelector('input[name="shipping"]:checked').value;
  return {
    customer: { name: value("name"), email: value("email") },
    items: [...cart].map(([sku, quantity]) => ({ sku, quantity })),
    billingAddress: {
      street: value("street"), city: value("city"), postalCode: value("postal-code"), country: value("country"),
    },
    shipping: { method },
    payment: {
      card: {
        holder: value("card-holder"), number: value("card-number"), expiry: value("card-expiry"),
        cvv: value("card-cvv"),
      },
    },
    acceptTerms: $("terms").checked,
    currency: catalog.currency,
    total: total(),
  };
}

async function submit(event) {
  event?.preventDefault();
  if (sending) return;
  tidyExpiry();
  clearErrors();
  const findings = localFindings();
  if (findings.length) {
    const title = findings.length === 1 ? "One thing is missing" : `${findings.length} things are missing`;
    showProblem(title, { findings });
    return;
  }
  const order = orderDocument();
  const body = JSON.stringify(order);
  submitted = order.items;
  if (attempt?.body !== body) attempt = { body, key: newKey() };
  busy(true);
  say("Sending the order.");
  const answer = await request("/v1/orders", {
    method: "POST", headers: { "Content-Type": "application/json", "Idempotency-Key": attempt.key }, body,
  });
  busy(false);
  if (answer.body?.orderId && answer.body?.state) showAnswer(answer.body);
  else showRefusal(answer);
}

function busy(now) {
  sending = now;
  $("submit").textContent = now ? "Checking your order …" : "Place the order";
  if (now) $("submit").setAttribute("aria-disabled", "true");
  else $("submit").removeAttribute("aria-disabled");
}

// The order was decided, one way or the other.
function showAnswer(order) {
  // An interrupted order is resumed by the same key; any other answer is final for it.
  if (order.state !== "interrupted") attempt = null;
  if (order.state === "rejected") return showRejection(order);
  if (order.state === "interrupted") {
    const lines = [sentences.interrupted, `Order ${order.orderId}`];
    return showProblem("The checks were cut short", { sentences: lines, retry: submit });
  }
  cart.clear();
  for (const id of ["card-number", "card-expiry", "card-cvv"]) $(id).value = "";
  $("terms").checked = false;
  showCart();
  openOrder(order.orderId, order);
}

function showRejection(order) {
  const { event, service, code, reason, retryable, findings = [] } = order.rejection ?? {};
  const where = event ? `Check ${event.id}, “${event.name}”, by ${service}: ${code}` : "";
  const items = order.suggestions?.items ?? [];
  showProblem("Order rejected", {
    sentences: [
      reason, where && `${where}.`, `Order ${order.orderId}. Nothing is carried out.`,
      retryable ? "Nothing is wrong with your order: trying again can help." : "",
    ],
    findings,
    retry: retryable ? submit : null,
    suggestions: items.length ? suggestionList(items) : null,
  });
}

// There was no decision: no connection, or problem+json (RFC 9457).
function showRefusal({ status, body }) {
  if (status === 0) {
    return showProblem("No connection", {
      sentences: ["Your order may or may not have arrived. Trying again cannot order twice."],
      retry: submit,
    });
  }
  const problem = body ?? {};
  const retryable = problem.retryable ?? status >= 500;
  if (!retryable) attempt = null;
  const details = [problem.service, problem.code ?? `HTTP ${status}`].filter(Boolean).join(": ");
  showProblem(problem.title ?? "The order could not be taken", {
    sentences: [problem.detail, `(${details})`, problem.orderId && `Order ${problem.orderId}`],
    findings: problem.errors ?? [],
    retry: retryable ? submit : null,
  });
}

function suggestionList(items) {
  const list = element("ul", { className: "lines" });
  for (const { sku, title } of items) {
    const add = element("button",
      { type: "button", className: "secondary small-button", "aria-label": `Add ${title} to the cart` }, "Add");
    add.addEventListener("click", () => {
      setQuantity(sku, (cart.get(sku) ?? 0) + 1);
      add.textContent = `Added (${cart.get(sku)})`;
    });
    const price = bySKU.has(sku) ? element("small", {}, money(bySKU.get(sku).price)) : null;
    list.append(element("li", {}, element("span", {}, element("b", {}, title), price), add));
  }
  return list;
}

// --- One order, live ---------------------------------------------------------------------------------------

function openOrder(id, order = null) {
  if (location.hash !== `#order=${id}`) history.pushState(null, "", `#order=${id}`);
  $("shop").hidden = true;
  $("order").hidden = false;
  $("order-id").textContent = id;
  $("timeline").replaceChildren();
  $("order-title").textContent = "Loading the order …";
  if (order) showOrder(order);
  $("order-title").focus();
  scrollTo(0, 0);
  follow(id);
}

function openShop() {
  following?.stop();
  following = null;
  document.title = "Place an order · ordersd";
  $("order").hidden = true;
  $("shop").hidden = false;
  $("problem").hidden = true;
}

function showOrder(order) {
  const { state, execution } = order;
  const heading = headings[state] ?? (path.indexOf(state) < 2 ? "Order received" : "Order approved");
  $("order-title").textContent = heading;
  document.title = `${heading} · ordersd`;
  showSteps(state);
  const by = execution?.executor ? ` By ${execution.executor}, epoch ${execution.epoch}.` : "";
  const { reason, service, code } = order.rejection ?? {};
  const why = order.rejection ? ` ${reason} (${service}: ${code})` : "";
  $("state-note").textContent = `${sentences[state] ?? state}${by}${why}`;
  $("ordered").replaceChildren(...(order.items ?? []).map(({ sku, quantity }) => {
    const item = bySKU.get(sku);
    return line(item?.title ?? sku, quantity, item ? money(item.price * quantity, order.total?.currency) : null);
  }));
  $("ordered-total").textContent = order.total ? money(order.total.minorUnits, order.total.currency) : "–";
  $("ordered-card").textContent = order.card ? `Card: ${order.card.brand}, ending in ${order.card.lastFour}.` : "";
  const suggested = order.suggestions?.items ?? [];
  // Built once: a later state of the order must not take the focus away from an "Add" button.
  if ($("suggestions").dataset.order !== order.orderId || $("suggestions").hidden) {
    $("suggestions").dataset.order = order.orderId;
    const degraded = order.suggestions?.degraded === true;
    $("suggestions").hidden = suggested.length === 0 && !degraded;
    const list = suggestionList(suggested);
    list.id = "suggestion-list";
    if (!suggested.length && degraded) list.append(element("li", { className: "muted" }, "Not available right now."));
    $("suggestion-list").replaceWith(list);
  }
}

function showSteps(state) {
  // The exits leave the path after the last step that is certain; the timeline tells the rest.
  const exit = { rejected: 1, interrupted: 1, cancelled: 0, expired: 0, failed: 4 }[state];
  const off = exit !== undefined;
  const shown = off ? path.slice(0, exit + 1) : path;
  const reached = off ? shown.length : path.indexOf(state);
  const steps = shown.map((name, index) =>
    element("li", { className: index < reached ? "done" : index === reached ? "now" : "" }, name));
  if (off) steps.push(element("li", { className: "now bad end" }, state));
  const now = steps.find((step) => step.classList.contains("now"));
  now?.setAttribute("aria-current", "step");
  if (state === "executed") now?.classList.add("end");
  $("steps").replaceChildren(...steps);
}

// Follows an order by server-sent events, or by polling when the stream cannot be had, until it ends.
function follow(id) {
  following?.stop();
  let stopped = false, source = null, timer = null, delay = 1000, last = "", drawn = 0;
  const stop = () => { stopped = true; source?.close(); clearTimeout(timer); };
  following = { id, stop };

  const take = (order) => {
    if (stopped) return;
    const changed = order.state !== last;
    showOrder(order);
    if (changed) {
      if (last) say(`The order is now ${order.state}.`);
      last = order.state;
      timeline();
    }
    if (terminal.has(order.state)) {
      $("follow-note").textContent = "";
      stop();
    }
  };
  const timeline = async () => {
    const turn = ++drawn;
    const { status, body } = await request(`/v1/orders/${encodeURIComponent(id)}/events`);
    // A newer request, or another order, may have been shown while this one was on its way.
    if (turn !== drawn || following?.id !== id) return;
    if (status === 200) showTimeline(body?.entries ?? []);
    else $("timeline-state").textContent = "What happened so far could not be loaded.";
  };
  const poll = async () => {
    const { status, body } = await request(`/v1/orders/${encodeURIComponent(id)}`);
    if (stopped) return;
    if (status === 200) {
      delay = 1000;
      take(body);
    } else if (status === 404) {
      $("order-title").textContent = "There is no such order";
      $("follow-note").textContent = "";
      return stop();
    } else {
      delay = Math.min(delay * 2, 15000);
    }
    if (!stopped && !source) timer = setTimeout(poll, delay);
  };
  const fallBack = () => {
    if (!source) return;
    source.close();
    source = null;
    $("follow-note").textContent = "Live updates are not available; asking every few seconds instead.";
    poll();
  };

  if ("EventSource" in window) {
    let failures = 0;
    source = new EventSource(`/v1/events?order=${encodeURIComponent(id)}`);
    source.addEventListener("open", () => {
      failures = 0;
      $("follow-note").textContent = "Following live.";
    });
    source.addEventListener("order", (event) => { take(JSON.parse(event.data)); });
    source.addEventListener("error", () => {
      failures += 1;
      if (source?.readyState === EventSource.CLOSED || failures >= 2) fallBack();
    });
  }
  poll();  // what the order is now; with a stream, the only poll
}

function showTimeline(entries) {
  const time = new Intl.DateTimeFormat(undefined,
    { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
  $("timeline-state").textContent = entries.length ? "" : "Nothing yet.";
  $("timeline").replaceChildren(...entries.map(({ at, actor, event, eventName, state, reason, clock }) => {
    const clocks = Object.entries(clock ?? {}).map(([name, count]) => `${name} ${count}`).join(" · ");
    const when = new Date(at);
    return element("li", {},
      element("span", { className: "head" }, element("b", {}, event ? [event, eventName].filter(Boolean).join(" · ") : state ?? ""),
        element("time", { dateTime: String(at) }, Number.isNaN(when.getTime()) ? String(at) : time.format(when))),
      element("small", {}, [actor, state].filter(Boolean).join(" → ")),
      reason ? element("span", {}, reason) : null,
      clocks ? element("code", { className: "clock", title: "vector clock" }, clocks) : null);
  }));
}

// --- Start -------------------------------------------------------------------------------------------------

function tidyExpiry() {
  const digits = $("card-expiry").value.replace(/\D/g, "");
  if (digits.length === 4) $("card-expiry").value = `${digits.slice(0, 2)}/${digits.slice(2)}`;
  if (digits.length === 6) $("card-expiry").value = `${digits.slice(0, 2)}/${digits.slice(4)}`;
}

function fillCountries() {
  // ISO 3166-1 alpha-2
  const codes = (
    "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ"
    + "DEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMINIOIQIRISIT"
    + "JEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNG"
    + "NINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTG"
    + "THTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW").match(/../g);
  let name = (code) => code;
  try {
    const names = new Intl.DisplayNames(undefined, { type: "region" });
    name = (code) => names.of(code) ?? code;
  } catch { /* the codes themselves are understood too */ }
  const options = codes.map((code) => element("option", { value: code }, name(code)));
  options.sort((left, right) => left.text.localeCompare(right.text));
  $("country").append(...options);
  const region = /[-_]([A-Z]{2})$/.exec(navigator.language)?.[1];
  if (region && codes.includes(region)) $("country").value = region;
}

function route() {
  const id = /^#order=([0-9a-f-]{36})$/i.exec(location.hash)?.[1];
  if (id && following?.id !== id) openOrder(id);
  else if (!id && $("shop").hidden) openShop();
}

async function start() {
  fillCountries();
  $("checkout").addEventListener("submit", submit);
  $("checkout").addEventListener("input", (event) => {
    if (event.target.getAttribute("aria-invalid")) clearError(event.target);
  });
  $("card-expiry").addEventListener("blur", tidyExpiry);
  $("card-number").addEventListener("blur", () => {
    const digits = $("card-number").value.replace(/[\s-]/g, "");
    if (/^\d{12,19}$/.test(digits)) $("card-number").value = digits.replace(/(\d{4})(?=\d)/g, "$1 ");
  });
  const home = (event) => {
    event.preventDefault();
    history.pushState(null, "", "#");
    openShop();
    $("main").focus();
    scrollTo(0, 0);
  };
  $("home").addEventListener("click", home);
  $("another").addEventListener("click", home);
  $("cart-link").addEventListener("click", (event) => {
    event.preventDefault();
    if ($("shop").hidden) home(event);
    $("summary").scrollIntoView();
    $("summary").focus();
  });
  addEventListener("popstate", route);
  addEventListener("offline", () => offline("This device is not connected to a network."));
  addEventListener("online", () => { offline(""); if (bySKU.size === 0) loadCatalog(); });
  route();
  await loadCatalog();
  // An order opened by its address was drawn before the titles and prices were known.
  if (following) openOrder(following.id);
}

start();

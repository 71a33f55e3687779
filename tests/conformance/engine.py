# ruff: noqa: B905, C901, FURB162, PLR0911, PLR0912, PLR1714, PLW2901, RUF005, S311, SIM108, UP017, UP031
# fmt: off
"""Shared machinery of run.py and record.py: templates, HTTP, normalization, comparison."""
import datetime as dt
import json
import random
import re
import string
import urllib.parse

import httpx

UTC = dt.timezone.utc
NOW_WINDOW = 300  # seconds
DATETIME_KEYS = {"start_time", "end_time", "timestamp", "received", "expiration", "added_time", "expiry"}
DATETIME_RE = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$")
SYMBOL_RE = re.compile(r"^<(?:pk:(\w+):(\d+)|(user|source):([\w.-]+))>$")
TEMPLATE_RE = re.compile(r"\{\{([^{}]+)\}\}")
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class MissingVariable(Exception):
    pass


def parse_datetime(text):
    """Aware or naive datetime, or None."""
    if not isinstance(text, str) or not DATETIME_RE.match(text):
        return None
    try:
        return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None


def resolve_pointer(doc, pointer):
    node = doc
    for part in [p for p in pointer.split("/") if p != ""]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list):
            node = node[int(part)]
        else:
            node = node[part]
    return node


def pointer_matches(pattern, pointer):
    a, b = pattern.strip("/").split("/"), pointer.strip("/").split("/")
    return len(a) == len(b) and all(x == "*" or x == y for x, y in zip(a, b))


class Context:
    """State of one scenario execution."""

    def __init__(self, world, base_url, run_id, index):
        self.world = world
        self.base_url = base_url.rstrip("/")
        self.sid = f"c{run_id}x{index}"
        self.now = dt.datetime.now(UTC).replace(microsecond=0)
        self.vars = {}
        self.bind = {}  # symbol -> value
        self.times = {}  # "+1h" -> datetime
        self.phones = {}
        rng = random.Random(self.sid)
        self.phone_base = rng.randrange(10**6)

    # -- templates ------------------------------------------------------
    def lookup(self, expr):
        kind, _, rest = expr.partition(":")
        if expr == "sid":
            return self.sid
        if expr == "base_url":
            return self.base_url
        if not rest:
            if expr in self.vars:
                return self.vars[expr]
            raise MissingVariable(expr)
        if kind == "world":
            node = self.world
            for part in rest.split("."):
                if part not in node:
                    raise MissingVariable(expr)
                node = node[part]
            return node
        if kind == "ts":
            m = re.fullmatch(r"([+-]\d+)([smhd])", rest)
            when = self.now + dt.timedelta(seconds=int(m[1]) * UNITS[m[2]])
            self.times[rest] = when
            return when.strftime("%Y-%m-%dT%H:%M:%SZ")
        if kind == "phone":
            number, _, style = rest.partition("|")
            digits = "9%d%06d" % (int(number) % 10, self.phone_base)
            self.phones[number] = "+47" + digits
            if style == "spaced":
                return f"+47 {digits[:3]} {digits[3:5]} {digits[5:]}"
            if style == "national":
                return digits
            return "+47" + digits
        if kind == "str":
            return str(self.lookup(rest))
        raise MissingVariable(expr)

    def render(self, node):
        if isinstance(node, dict):
            return {self.render_text(k): self.render(v) for k, v in node.items()}
        if isinstance(node, list):
            return [self.render(v) for v in node]
        if isinstance(node, str):
            m = TEMPLATE_RE.fullmatch(node)
            if m:
                return self.lookup(m[1])
            return self.render_text(node)
        return node

    def render_known(self, node):
        try:
            return self.render(node)
        except MissingVariable:
            return node

    def render_text(self, text):
        return TEMPLATE_RE.sub(lambda m: str(self.lookup(m[1])), text)


# -- HTTP -----------------------------------------------------------------


class Client:
    def __init__(self, base_url):
        self.base_url = base_url.rstrip("/")
        self.http = httpx.Client(timeout=30, follow_redirects=False, trust_env=False)

    def send(self, ctx, step):
        path = ctx.render_text(step["path"])
        query = step.get("query")
        if query:
            pairs = [(k, str(ctx.render(v))) for k, v in query]
            path += "?" + urllib.parse.urlencode(pairs)
        elif "query_raw" in step:
            path += "?" + ctx.render_text(step["query_raw"])
        headers = {"Accept": "application/json"}
        if "authorization" in step:
            headers["Authorization"] = ctx.render_text(step["authorization"])
        elif step.get("who", "anonymous") != "anonymous":
            headers["Authorization"] = "Token " + ctx.world["actors"][step["who"]]["token"]
        content = None
        if "json" in step:
            content = json.dumps(ctx.render(step["json"])).encode()
            headers["Content-Type"] = "application/json"
        elif "raw" in step:
            content = ctx.render_text(step["raw"]).encode()
            headers["Content-Type"] = step.get("content_type", "application/json")
        for k, v in step.get("headers", {}).items():
            headers[k] = ctx.render_text(v)
        response = self.http.request(step["method"], self.base_url + path, headers=headers, content=content)
        # never carry cookies from one step to the next
        self.http.cookies.clear()
        return response


def main_type(response):
    return response.headers.get("content-type", "").split(";")[0].strip().lower()


def response_body(response):
    """(kind, body): kind is json, none or text."""
    if not response.content:
        return "none", None
    if main_type(response) == "application/json":
        try:
            return "json", response.json()
        except ValueError:
            return "text", None
    return "text", None


def apply_pick(ctx, step, body):
    """Reduce a list in the body to the scenario's own items."""
    pick = step.get("pick")
    if not pick:
        return body
    at = pick.get("at", "")
    try:
        items = resolve_pointer(body, at)
    except (KeyError, IndexError, TypeError, ValueError):
        return body
    if not isinstance(items, list):
        return body
    wanted = ctx.render(pick["in"])

    def value(item):
        try:
            return resolve_pointer(item, pick["by"])
        except (KeyError, IndexError, TypeError, ValueError):
            return object()

    kept = [i for i in items if value(i) in wanted]
    if at == "":
        return kept
    head, _, tail = at.rpartition("/")
    parent = dict(resolve_pointer(body, head))
    parent[tail] = kept
    if head == "":
        return parent
    raise ValueError("pick supports one level only")


def do_captures(ctx, step, body):
    for name, pointer in step.get("captures", {}).items():
        try:
            value = resolve_pointer(body, pointer)
        except (KeyError, IndexError, TypeError, ValueError):
            continue
        if isinstance(value, str) and name.startswith("cursor"):
            # the cursor parameter of a next/previous link
            value = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(value).query)).get("cursor", value)
        ctx.vars[name] = value


# -- which key holds which kind of pk ----------------------------------------

ANCESTORS = {
    "actor": "user",
    "source": "source",
    "sourceSystems": "source",
    "event": "event",
    "ack": "ack",
    "timeslot": "timeslot",
    "filters": "filter",
    "destinations": "destination",
    "phone_number": "destination",
    "phone_numbers": "destination",
}
MOMENT_RE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\.\d+\+00:00")


def kind_from_path(path):
    p = re.sub(r"\{\{[^}]*\}\}", "0", path)
    rules = [
        (r"/auth/phone-number", "destination"),
        (r"/incidents/(metadata|sources)/", "source"),
        (r"/acks/", "ack"),
        (r"/events/", "event"),
        (r"/notificationprofiles/timeslots", "timeslot"),
        (r"/notificationprofiles/filters", "filter"),
        (r"/notificationprofiles/destinations", "destination"),
        (r"/notificationprofiles/(filterpreview|preview|[^/]+/incidents)", "incident"),
        (r"/notificationprofiles/", "profile"),
        (r"/incidents/", "incident"),
    ]
    for pattern, kind in rules:
        if re.search(pattern, p):
            return kind
    return None


def kind_of(path, pointer_parts, key):
    if key == "incident":
        return "incident"
    if key in ("user", "added_by"):
        return "user"
    if len(pointer_parts) >= 2 and pointer_parts[-2] == "sourceSystemIds":
        return "source"
    if key == "pk":
        for part in reversed(pointer_parts[:-1]):
            if part in ANCESTORS:
                return ANCESTORS[part]
            if part == "results" or part.isdigit():
                continue
        return kind_from_path(path)
    return None


# -- normalization (recording) ------------------------------------------------


class Normalizer:
    def __init__(self, ctx):
        self.ctx = ctx
        self.counts = {}
        self.symbols = {}  # (kind, value) -> symbol
        for name, a in ctx.world["actors"].items():
            self.symbols[("user", a["pk"])] = f"<user:{name}>"
        for name, s in ctx.world["sources"].items():
            self.symbols[("source", s["pk"])] = f"<source:{name}>"

    def symbol(self, kind, value):
        if (kind, value) not in self.symbols:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.symbols[(kind, value)] = f"<pk:{kind}:{self.counts[kind]}>"
        return self.symbols[(kind, value)]

    def text(self, value):
        ctx = self.ctx
        value = value.replace(ctx.base_url, "{{base_url}}").replace(ctx.sid, "{{sid}}")
        for number, phone in ctx.phones.items():
            value = value.replace(phone, "{{phone:%s}}" % number)
        return value

    def message(self, node):
        """Error texts: pks of captured objects and moments are made symbolic as well."""
        if isinstance(node, dict):
            return {k: self.message(v) for k, v in node.items()}
        if isinstance(node, list):
            return [self.message(v) for v in node]
        if isinstance(node, str):
            node = MOMENT_RE.sub("<moment>", node)
            for name, value in self.ctx.vars.items():
                if isinstance(value, int) and not isinstance(value, bool):
                    node = re.sub(r"(?<=pk=)%d\b|(?<=pk \")%d\b|(?<=/)%d(?=/)" % (value, value, value), "{{%s}}" % name, node)
        return node

    def normalize(self, node, path, parts=()):
        key = parts[-1] if parts else ""
        if isinstance(node, dict):
            out = {}
            for k, v in node.items():
                nk = self.text(k)
                if k.isdigit() and ("incident", int(k)) in self.symbols:
                    nk = self.symbols[("incident", int(k))]
                out[nk] = self.normalize(v, path, parts + (nk,))
            return out
        if isinstance(node, list):
            return [self.normalize(v, path, parts + (str(i),)) for i, v in enumerate(node)]
        if isinstance(node, bool) or node is None or isinstance(node, float):
            return node
        if isinstance(node, int):
            kind = kind_of(path, parts, key)
            if kind == "source" and (kind, node) not in self.symbols and "sourceSystemIds" in parts:
                return node
            return self.symbol(kind, node) if kind else node
        if key in DATETIME_KEYS:
            when = parse_datetime(node)
            if when is not None and when.tzinfo is not None:
                for name, t in self.ctx.times.items():
                    if when == t:
                        return f"<ts:{name}>"
                if abs((when - dt.datetime.now(UTC)).total_seconds()) < NOW_WINDOW:
                    return "<now>"
                return node
        if key == "token":
            return "<token>"
        if key in ("next", "previous") and node.startswith("http"):
            u = urllib.parse.urlsplit(node)
            query = sorted(
                (k, "<opaque>" if k == "cursor" else v) for k, v in urllib.parse.parse_qsl(u.query, True)
            )
            return {"$link": self.text(u.path), "$query": [[k, self.text(v)] for k, v in query]}
        if key == "filter_string":
            try:
                return {"$json": self.normalize(json.loads(node), path, parts[:-1])}
            except ValueError:
                pass
        return self.text(node)


# -- comparison ------------------------------------------------------------------


class Comparer:
    def __init__(self, ctx, unordered=(), allow_extra=False, optional=()):
        self.ctx = ctx
        self.optional = list(optional)
        self.unordered = list(unordered)
        self.allow_extra = allow_extra

    def compare(self, exp, act, ptr="", bind=None):
        """Return a list of (level, pointer, expected, got)."""
        bind = self.ctx.bind if bind is None else bind
        out = []
        if isinstance(exp, dict) and "$link" in exp:
            return self._link(exp, act, ptr)
        if isinstance(exp, dict) and "$json" in exp:
            try:
                return self.compare(exp["$json"], json.loads(act), ptr + "/$json", bind)
            except (TypeError, ValueError):
                return [("hard", ptr, "a string holding JSON", act)]
        if isinstance(exp, dict):
            if not isinstance(act, dict):
                return [("hard", ptr, exp, act)]
            keys = {}
            for k in exp:
                m = SYMBOL_RE.match(k)
                if m:
                    keys[str(bind.get(k, k))] = k
                else:
                    keys[self._render(k)] = k
            for ak, ek in keys.items():
                if ak not in act:
                    level = "soft" if any(pointer_matches(p, f"{ptr}/{ek}") for p in self.optional) else "hard"
                    out.append((level, f"{ptr}/{ek}", exp[ek], "<missing>"))
                else:
                    out += self.compare(exp[ek], act[ak], f"{ptr}/{ek}", bind)
            for ak in act:
                if ak not in keys:
                    out.append(("soft" if self.allow_extra else "hard", f"{ptr}/{ak}", "<absent>", act[ak]))
            return out
        if isinstance(exp, list):
            if not isinstance(act, list):
                return [("hard", ptr, exp, act)]
            if any(pointer_matches(p, ptr) for p in self.unordered):
                return self._unordered(exp, act, ptr, bind)
            if len(exp) != len(act):
                out.append(("hard", ptr, f"{len(exp)} items", f"{len(act)} items"))
            for i, (e, a) in enumerate(zip(exp, act)):
                out += self.compare(e, a, f"{ptr}/{i}", bind)
            return out
        if isinstance(exp, str):
            return self._string(exp, act, ptr, bind)
        if type(exp) is not type(act) and not (isinstance(exp, (int, float)) and isinstance(act, (int, float))):
            return [("hard", ptr, exp, act)]
        if isinstance(exp, bool) != isinstance(act, bool) or exp != act:
            return [("hard", ptr, exp, act)]
        return []

    def _render(self, text):
        try:
            return self.ctx.render_text(text)
        except MissingVariable:
            return text

    def _string(self, exp, act, ptr, bind):
        m = SYMBOL_RE.match(exp)
        if m:
            if not isinstance(act, int) or isinstance(act, bool):
                return [("hard", ptr, exp, act)]
            if m[3]:
                world = self.ctx.world["actors" if m[3] == "user" else "sources"]
                want = world.get(m[4], {}).get("pk")
                return [] if act == want else [("hard", ptr, f"{exp} = {want}", act)]
            if exp in bind:
                return [] if bind[exp] == act else [("hard", ptr, f"{exp} = {bind[exp]}", act)]
            for sym, val in bind.items():
                if val == act and sym.startswith(f"<pk:{m[1]}:"):
                    return [("hard", ptr, f"{exp} (a new pk)", f"{act}, which is {sym}")]
            bind[exp] = act
            return []
        if exp == "<now>":
            when = parse_datetime(act)
            if when is None or when.tzinfo is None:
                return [("hard", ptr, "<now> (ISO 8601 with offset)", act)]
            delta = abs((when - dt.datetime.now(UTC)).total_seconds())
            return [] if delta < NOW_WINDOW else [("hard", ptr, "<now>", act)]
        if exp.startswith("<ts:"):
            self.ctx.lookup(exp[1:-1])
            want = self.ctx.times[exp[4:-1]]
            when = parse_datetime(act)
            if when is None or when.tzinfo is None or when != want:
                return [("hard", ptr, f"{exp} = {want.isoformat()}", act)]
            return []
        if exp == "<token>":
            return [] if isinstance(act, str) and len(act) >= 16 else [("hard", ptr, exp, act)]
        if ptr.rsplit("/", 1)[-1] in DATETIME_KEYS:
            want = parse_datetime(exp)
            if want is not None and want.tzinfo is not None:
                when = parse_datetime(act)
                if when is None or when.tzinfo is None or when != want:
                    return [("hard", ptr, exp, act)]
                return [] if act == exp else [("soft", ptr, f"{exp} (same instant, other format)", act)]
        want = self._render(exp)
        if "<moment>" in want and isinstance(act, str):
            act = MOMENT_RE.sub("<moment>", act)
        return [] if isinstance(act, str) and act == want else [("hard", ptr, want, act)]

    def _link(self, exp, act, ptr):
        if not isinstance(act, str):
            return [("hard", ptr, exp, act)]
        out = []
        u = urllib.parse.urlsplit(act)
        if u.path != self._render(exp["$link"]):
            out.append(("hard", ptr, "link to " + self._render(exp["$link"]), act))
        if f"{u.scheme}://{u.netloc}" != self.ctx.base_url:
            level = "hard" if not u.netloc else "soft"
            out.append((level, ptr, "absolute link on " + self.ctx.base_url, act))
        got = sorted((k, "<opaque>" if k == "cursor" and v else v) for k, v in urllib.parse.parse_qsl(u.query, True))
        want = sorted((k, self._render(v)) for k, v in exp["$query"])
        if got != want:
            out.append(("hard", ptr, f"query {want}", f"query {got}"))
        return out

    def _unordered(self, exp, act, ptr, bind):
        out = []
        if len(exp) != len(act):
            out.append(("hard", ptr, f"{len(exp)} items", f"{len(act)} items"))
        # an item's index in the pointer keeps nested unordered patterns working
        free = list(range(len(act)))
        later = []
        for i, e in enumerate(exp):
            for j in free:
                trial = dict(bind)
                diffs = self.compare(e, act[j], f"{ptr}/{i}", trial)
                if not any(d[0] == "hard" for d in diffs):
                    bind.clear()
                    bind.update(trial)
                    free.remove(j)
                    out += diffs
                    break
            else:
                later.append((i, e))
        for i, e in later:
            if not free:
                out.append(("hard", f"{ptr}/{i}", e, "<missing>"))
                continue
            best = min(
                free,
                key=lambda j: sum(d[0] == "hard" for d in self.compare(e, act[j], f"{ptr}/{i}", dict(bind))),
            )
            out += self.compare(e, act[best], f"{ptr}/{i}", bind)
            free.remove(best)
        if len(act) > len(exp):
            for j in free:
                out.append(("hard", f"{ptr}/+", "<absent>", act[j]))
        return out


def error_keys(body):
    if isinstance(body, dict):
        return sorted(body)
    if isinstance(body, list):
        return ["<list>"]
    if isinstance(body, str):
        return ["<string>"]
    return ["<none>"]


def allow_set(value):
    return {m.strip().upper() for m in (value or "").split(",") if m.strip()}


def compare_response(ctx, step, response, allow_extra=False):
    exp = step["expect"]
    out = []
    if response.status_code != exp["status"]:
        snippet = response.text[:300]
        return [("hard", "status", exp["status"], f"{response.status_code} {snippet}")]
    kind, body = response_body(response)
    headers = exp.get("headers", {})
    want_kind = exp.get("kind", "json")
    ok = exp["status"] < 300
    if want_kind == "json":
        if kind != "json":
            out.append(("hard" if ok or exp["status"] == 400 else "soft", "content-type", "application/json",
                        main_type(response) or "<no body>"))
        else:
            body = apply_pick(ctx, step, body)
            if ok:
                out += Comparer(ctx, exp.get("unordered", ()), allow_extra, exp.get("optional", ())).compare(exp["body"], body)
            else:
                want_keys, got_keys = error_keys(ctx.render_known(exp["body"])), error_keys(body)
                if want_keys != got_keys:
                    level = "hard" if exp["status"] == 400 else "soft"
                    out.append((level, "error keys", want_keys, f"{got_keys} {json.dumps(body)[:300]}"))
                diffs = Comparer(ctx, exp.get("unordered", ())).compare(exp["body"], body)
                out += [("soft", "error" + p, e, g) for _, p, e, g in diffs]
    elif want_kind == "none" and kind != "none":
        out.append(("hard" if exp["status"] == 204 else "soft", "body", "<empty>", response.text[:200]))
    if "allow" in headers:
        want, got = allow_set(headers["allow"]), allow_set(response.headers.get("allow"))
        required = set(exp.get("allow_required", []))
        if not got or not required <= got:
            out.append(("hard", "header allow", sorted(required or want), sorted(got)))
        elif want != got:
            out.append(("soft", "header allow", sorted(want), sorted(got)))
    if "location" in headers:
        want, got = ctx.render_text(headers["location"]), response.headers.get("location", "")
        strip = lambda u: urllib.parse.urlsplit(u)._replace(scheme="", netloc="").geturl()  # noqa: E731
        if strip(want) != strip(got):
            out.append(("hard", "header location", want, got))
    if "www-authenticate" in headers and headers["www-authenticate"] != response.headers.get("www-authenticate"):
        out.append(("soft", "header www-authenticate", headers["www-authenticate"],
                    response.headers.get("www-authenticate")))
    do_captures(ctx, step, body)
    return out


def dump_document(doc):
    """Scenario files with one line for each request and one for each expectation."""
    line = lambda v: json.dumps(v, ensure_ascii=False)  # noqa: E731
    out = ['{"area": %s, "scenarios": [' % line(doc["area"])]
    for n, scenario in enumerate(doc["scenarios"]):
        head = {k: v for k, v in scenario.items() if k not in ("steps", "cleanup")}
        out.append(line(head)[:-1] + ', "steps": [')
        for i, step in enumerate(scenario["steps"]):
            request = {k: v for k, v in step.items() if k != "expect"}
            end = "," if i + 1 < len(scenario["steps"]) else ""
            if "expect" in step:
                out.append("  " + line(request)[:-1] + ",")
                out.append('    "expect": ' + line(step["expect"]) + "}" + end)
            else:
                out.append("  " + line(request) + end)
        tail = "]"
        if scenario.get("cleanup"):
            tail += ', "cleanup": ' + line(scenario["cleanup"])
        out.append(tail + "}" + ("," if n + 1 < len(doc["scenarios"]) else ""))
    out.append("]}")
    return "\n".join(out) + "\n"


def new_run_id():
    return "".join(random.choice(string.ascii_lowercase + string.digits) for _ in range(6))

# sdk/python/larder/functions.py -- `cached` and `invalidates` around functions, plain ones and coroutines.
import functools
import inspect
import warnings

from . import keys

_default = None


def use(kernel):
    """The kernel of decorators that name none."""
    global _default
    _default = kernel
    return kernel


def default():
    if _default is None:
        raise RuntimeError("no kernel: larder.use(larder.Kernel(policy)) before the first call, or kernel= in the decorator")
    return _default


def _plain(value):
    """As keys have it: what is written as a text everywhere is a text."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(one) for one in value)
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if type(value).__str__ is not object.__str__ and type(value).__repr__ is not object.__repr__ or hasattr(value, "isoformat"):
        return str(value)  # UUID, date, Decimal, Enum
    raise ValueError(f"{type(value).__name__} has no text of its own")


def call_key(prefix, function, args, named):
    """PREFIX:PARAMETER:VALUE:... with every argument by its parameter's name, defaults too, `self` and `cls` left out."""
    bound = inspect.signature(function).bind(*args, **named)
    bound.apply_defaults()
    out = {}
    for index, (name, value) in enumerate(bound.arguments.items()):
        if index == 0 and name in ("self", "cls"):
            continue
        out[name] = _plain(value)
    return keys.key(prefix, (), out)


def cached(namespace, *, key=None, ttl=None, tags=None, fields=None, name=None, kernel=None):
    """Keeps what a function answers, under the policy of `namespace`.

    key: makes the key of the arguments, else it is name:PARAMETER:VALUE:... (name: the function's). ttl, in seconds:
    shorter than the policy's. tags: texts, or a function of the arguments. A call whose arguments have no key is made, and
    not kept, with a warning. The function itself is `.__wrapped__`; `.key_of(...)` tells a call's key."""

    def around(function):
        prefix = name or function.__name__
        signature_key = key

        def key_of(*args, **named):
            return signature_key(*args, **named) if signature_key else call_key(prefix, function, args, named)

        def asked(args, named):
            try:
                made = key_of(*args, **named)
            except ValueError as problem:
                warnings.warn(f"{prefix}() is not cached: {problem}", RuntimeWarning, stacklevel=3)
                return None, None
            return made, tags(*args, **named) if callable(tags) else tags

        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapper(*args, **named):
                made, marked = asked(args, named)
                if made is None:
                    return await function(*args, **named)
                return await (kernel or default()).aget_or_load(namespace, made, lambda: function(*args, **named), ttl, marked, fields)
        else:
            @functools.wraps(function)
            def wrapper(*args, **named):
                made, marked = asked(args, named)
                if made is None:
                    return function(*args, **named)
                return (kernel or default()).get_or_load(namespace, made, lambda: function(*args, **named), ttl, marked, fields)
        wrapper.key_of = key_of
        return wrapper

    return around


def invalidates(*rules, kernel=None):
    """Drops what the rules name, `tag:x` or `NAMESPACE:GLOB`, once the function has returned, and not if it raises.

    A rule may be a function of the arguments."""

    def around(function):
        def told(args, named):
            return [rule(*args, **named) if callable(rule) else rule for rule in rules]

        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapper(*args, **named):
                result = await function(*args, **named)
                for rule in told(args, named):
                    await (kernel or default()).ainvalidate(rule)
                return result
        else:
            @functools.wraps(function)
            def wrapper(*args, **named):
                result = function(*args, **named)
                for rule in told(args, named):
                    (kernel or default()).invalidate(rule)
                return result
        return wrapper

    return around

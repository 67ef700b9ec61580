/* sdk/python/_larder.c -- larder.h for CPython, by its stable ABI (3.10 and later): one module for all of them.
 *
 * Nothing here decides anything: keys and values are bytes, results are numbers, and what they mean is said in
 * larder/kernel.py. A lookup that hits keeps the interpreter's lock and makes one bytes object; whatever may wait for a
 * store gives the lock away. A Loop belongs to one event loop or one thread. */
#define Py_LIMITED_API 0x030A0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <larder/larder.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* CPython's tables keep functions as void pointers, which POSIX allows and ISO C does not. */
#pragma GCC diagnostic ignored "-Wpedantic"

static PyObject *larder_error; /* larder.Error */

typedef struct {
  PyObject_HEAD
  larder_kernel *k;
} Kernel;
typedef struct {
  PyObject_HEAD
  larder_loop *loop;
  Kernel *kernel;
} Loop;
static PyTypeObject *kernel_type, *loop_type;

/* Raises larder.Error(name, sentence). */
static PyObject *fail(larder_result result) {
  PyObject *args = Py_BuildValue("(ss)", larder_result_name(result), larder_problem());
  if (args != NULL) PyErr_SetObject(larder_error, args);
  Py_XDECREF(args);
  return NULL;
}

static larder_kernel *opened(Kernel *self) {
  if (self->k == NULL) PyErr_SetString(PyExc_ValueError, "the kernel is closed");
  return self->k;
}

/* Text or bytes, borrowed from the object. */
static int text_of(PyObject *object, const char **p, Py_ssize_t *n) {
  if (PyUnicode_Check(object)) return (*p = PyUnicode_AsUTF8AndSize(object, n)) == NULL ? -1 : 0;
  char *bytes = NULL;
  if (PyBytes_AsStringAndSize(object, &bytes, n) < 0) return -1;
  *p = bytes;
  return 0;
}

/* The ref becomes a bytes object and is released; NULL ref: None. */
static PyObject *taken(larder_ref *ref) {
  if (ref == NULL) Py_RETURN_NONE;
  size_t n = 0;
  const void *data = larder_ref_data(ref, &n);
  PyObject *out = PyBytes_FromStringAndSize(data, (Py_ssize_t)n);
  larder_ref_release(ref);
  return out;
}

static int loop_of(PyObject *object, larder_loop **loop) {
  *loop = NULL;
  if (object == Py_None) return 0;
  if (!PyObject_TypeCheck(object, loop_type)) {
    PyErr_SetString(PyExc_TypeError, "expected a Loop or None");
    return -1;
  }
  if ((*loop = ((Loop *)object)->loop) == NULL) {
    PyErr_SetString(PyExc_ValueError, "the loop is closed");
    return -1;
  }
  return 0;
}

/* A sequence of (name, value) as fields, borrowed from it; None is none. The caller frees *fields. */
static int fields_of(PyObject *pairs, larder_field **fields, uint32_t *n) {
  *fields = NULL;
  *n = 0;
  if (pairs == NULL || pairs == Py_None) return 0;
  const Py_ssize_t size = PySequence_Size(pairs);
  if (size < 0) return -1;
  if (size == 0) return 0;
  if ((*fields = calloc((size_t)size, sizeof **fields)) == NULL) {
    PyErr_NoMemory();
    return -1;
  }
  for (Py_ssize_t i = 0; i < size; ++i) {
    PyObject *pair = PySequence_GetItem(pairs, i); /* the sequence keeps it */
    PyObject *name = NULL, *value = NULL;
    const char *p = NULL;
    Py_ssize_t length = 0;
    /* Servers of ASGI give tuples or lists. */
    const int tuple = pair != NULL && PyTuple_Check(pair);
    int bad = pair == NULL || !(tuple || PyList_Check(pair)) || PySequence_Size(pair) != 2;
    if (!bad) {
      name = tuple ? PyTuple_GetItem(pair, 0) : PyList_GetItem(pair, 0);
      value = tuple ? PyTuple_GetItem(pair, 1) : PyList_GetItem(pair, 1);
      bad = text_of(name, &p, &length) < 0;
      (*fields)[i].name.p = p;
      (*fields)[i].name.n = (size_t)length;
      bad = bad || text_of(value, &p, &length) < 0;
      (*fields)[i].value.p = p;
      (*fields)[i].value.n = (size_t)length;
    }
    Py_XDECREF(pair);
    if (bad) {
      if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "expected a sequence of (name, value)");
      free(*fields);
      *fields = NULL;
      return -1;
    }
  }
  *n = (uint32_t)size;
  return 0;
}

/* ------------------------------------------------------------------------------------------------ Kernel */

static int kernel_init(Kernel *self, PyObject *args, PyObject *named) {
  static char *names[] = {"config", "config_text", "policy", "policy_text", "profile", "plugin_path", "env", "flags", NULL};
  larder_open_args open = {.size = sizeof open};
  PyObject *env = NULL;
  unsigned int flags = 0;
  if (!PyArg_ParseTupleAndKeywords(args, named, "|zzzzzzOI", names, &open.config_path, &open.config_text, &open.policy_path, &open.policy_text,
                                   &open.profile, &open.plugin_path, &env, &flags))
    return -1;
  const char **list = NULL;
  if (env != NULL && env != Py_None) {
    const Py_ssize_t n = PyList_Size(env);
    if (n < 0 || (list = calloc((size_t)n + 1, sizeof *list)) == NULL) return -1;
    for (Py_ssize_t i = 0; i < n; ++i)
      if ((list[i] = PyUnicode_AsUTF8AndSize(PyList_GetItem(env, i), NULL)) == NULL) {
        free(list);
        return -1;
      }
  }
  open.env = list;
  open.flags = flags;
  larder_diag diag = {.size = sizeof diag};
  larder_kernel *k;
  Py_BEGIN_ALLOW_THREADS
  k = larder_kernel_open(&open, &diag);
  Py_END_ALLOW_THREADS
  free(list);
  if (k == NULL) {
    fail(diag.code);
    return -1;
  }
  larder_kernel *before = self->k;
  self->k = k;
  larder_kernel_close(before);
  return 0;
}

static PyObject *kernel_close(Kernel *self, PyObject *ignored) {
  (void)ignored;
  larder_kernel *k = self->k;
  self->k = NULL;
  Py_BEGIN_ALLOW_THREADS
  larder_kernel_close(k);
  Py_END_ALLOW_THREADS
  Py_RETURN_NONE;
}

static void kernel_dealloc(Kernel *self) {
  PyTypeObject *type = Py_TYPE(self);
  larder_kernel_close(self->k);
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

static PyObject *kernel_space(Kernel *self, PyObject *name) {
  const char *p;
  Py_ssize_t n;
  if (opened(self) == NULL || text_of(name, &p, &n) < 0) return NULL;
  return PyLong_FromLong(larder_kernel_space(self->k, p, (size_t)n));
}

/* lookup(space, key, loop, user): bytes on a hit, else (result, bytes or None, lease). */
static PyObject *kernel_lookup(Kernel *self, PyObject *const *args, Py_ssize_t nargs) {
  const char *key;
  Py_ssize_t n;
  larder_loop *loop;
  if (nargs != 4) {
    PyErr_SetString(PyExc_TypeError, "lookup takes space, key, loop and user");
    return NULL;
  }
  const long space = PyLong_AsLong(args[0]);
  const unsigned long long user = PyLong_AsUnsignedLongLong(args[3]);
  if (opened(self) == NULL || PyErr_Occurred() || text_of(args[1], &key, &n) < 0 || loop_of(args[2], &loop) < 0) return NULL;
  larder_ref *ref = NULL;
  uint64_t lease = 0;
  larder_result result;
  if (loop == NULL) {
    PyErr_SetString(PyExc_TypeError, "lookup needs a Loop");
    return NULL;
  }
  result = larder_kernel_get(self->k, (int32_t)space, key, (size_t)n, loop, user, &ref, &lease);
  if (result == LARDER_R_HIT) return taken(ref);
  PyObject *value = taken(ref);
  return value == NULL ? NULL : Py_BuildValue("(iNK)", (int)result, value, (unsigned long long)lease);
}

/* peek(space, key): the bytes that are in this process, else None. */
static PyObject *kernel_peek(Kernel *self, PyObject *const *args, Py_ssize_t nargs) {
  const char *key;
  Py_ssize_t n;
  if (nargs != 2) {
    PyErr_SetString(PyExc_TypeError, "peek takes space and key");
    return NULL;
  }
  const long space = PyLong_AsLong(args[0]);
  if (opened(self) == NULL || PyErr_Occurred() || text_of(args[1], &key, &n) < 0) return NULL;
  char small[1024];
  const int64_t length = larder_kernel_read(self->k, (int32_t)space, key, (size_t)n, small, sizeof small, NULL);
  if (length < 0) Py_RETURN_NONE;
  if ((size_t)length <= sizeof small) return PyBytes_FromStringAndSize(small, (Py_ssize_t)length);
  char *large = malloc((size_t)length);
  if (large == NULL) return PyErr_NoMemory();
  const int64_t again = larder_kernel_read(self->k, (int32_t)space, key, (size_t)n, large, (size_t)length, NULL);
  PyObject *out = again >= 0 && again <= length ? PyBytes_FromStringAndSize(large, (Py_ssize_t)again) : Py_NewRef(Py_None);
  free(large);
  return out;
}

/* fill(lease, value, ttl_ms, with, flags, loop, user) -> result; put(space, key, value, ttl_ms, with, flags, loop, user) -> result */
static PyObject *kernel_fill(Kernel *self, PyObject *args) {
  unsigned long long lease, user;
  const char *value;
  Py_ssize_t n;
  long long ttl;
  PyObject *with, *loop_object;
  unsigned int flags;
  larder_loop *loop;
  larder_field *fields;
  larder_put_args put = {.size = sizeof put};
  if (!PyArg_ParseTuple(args, "Ky#LOIOK", &lease, &value, &n, &ttl, &with, &flags, &loop_object, &user)) return NULL;
  if (opened(self) == NULL || loop_of(loop_object, &loop) < 0 || fields_of(with, &fields, &put.nwith) < 0) return NULL;
  put.with = fields;
  put.ttl_ms = ttl;
  put.flags = flags;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_fill(self->k, lease, value, (size_t)n, &put, loop, user);
  Py_END_ALLOW_THREADS
  free(fields);
  return PyLong_FromLong(result);
}

static PyObject *kernel_put(Kernel *self, PyObject *args) {
  int space;
  const char *key, *value;
  Py_ssize_t n, m;
  long long ttl;
  unsigned long long user;
  PyObject *with, *loop_object;
  unsigned int flags;
  larder_loop *loop;
  larder_field *fields;
  larder_put_args put = {.size = sizeof put};
  if (!PyArg_ParseTuple(args, "is#y#LOIOK", &space, &key, &n, &value, &m, &ttl, &with, &flags, &loop_object, &user)) return NULL;
  if (opened(self) == NULL || loop_of(loop_object, &loop) < 0 || fields_of(with, &fields, &put.nwith) < 0) return NULL;
  put.with = fields;
  put.ttl_ms = ttl;
  put.flags = flags;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_put(self->k, space, key, (size_t)n, value, (size_t)m, &put, loop, user);
  Py_END_ALLOW_THREADS
  free(fields);
  return result < 0 ? fail(result) : PyLong_FromLong(result);
}

static PyObject *kernel_fail(Kernel *self, PyObject *lease) {
  const unsigned long long id = PyLong_AsUnsignedLongLong(lease);
  if (opened(self) == NULL || PyErr_Occurred()) return NULL;
  larder_ref *stale = NULL;
  larder_kernel_fail(self->k, id, &stale);
  return taken(stale);
}

static PyObject *kernel_drop(Kernel *self, PyObject *args) {
  int space;
  const char *key;
  Py_ssize_t n;
  unsigned long long user;
  PyObject *loop_object;
  larder_loop *loop;
  if (!PyArg_ParseTuple(args, "is#OK", &space, &key, &n, &loop_object, &user)) return NULL;
  if (opened(self) == NULL || loop_of(loop_object, &loop) < 0) return NULL;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_drop(self->k, space, key, (size_t)n, loop, user);
  Py_END_ALLOW_THREADS
  return result < 0 ? fail(result) : PyLong_FromLong(result);
}

static PyObject *kernel_expire(Kernel *self, PyObject *args) {
  int space;
  const char *key;
  Py_ssize_t n;
  long long ttl;
  if (!PyArg_ParseTuple(args, "is#L", &space, &key, &n, &ttl) || opened(self) == NULL) return NULL;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_expire(self->k, space, key, (size_t)n, ttl);
  Py_END_ALLOW_THREADS
  return result < 0 ? fail(result) : PyLong_FromLong(result);
}

/* None: there is no such entry. */
static PyObject *kernel_ttl(Kernel *self, PyObject *args) {
  int space;
  const char *key;
  Py_ssize_t n;
  int64_t ttl = 0;
  if (!PyArg_ParseTuple(args, "is#", &space, &key, &n) || opened(self) == NULL) return NULL;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_ttl(self->k, space, key, (size_t)n, &ttl);
  Py_END_ALLOW_THREADS
  if (result < 0) return fail(result);
  if (result == LARDER_R_NONE) Py_RETURN_NONE;
  return PyLong_FromLongLong(ttl);
}

static PyObject *kernel_depend(Kernel *self, PyObject *args) {
  int space, on_space;
  const char *key, *on_key;
  Py_ssize_t n, m;
  if (!PyArg_ParseTuple(args, "is#is#", &space, &key, &n, &on_space, &on_key, &m) || opened(self) == NULL) return NULL;
  const larder_result result = larder_kernel_depend(self->k, space, key, (size_t)n, on_space, on_key, (size_t)m);
  return result < 0 ? fail(result) : PyLong_FromLong(result);
}

/* (result, receipt) of what has one; the receipt is bytes or None. */
static PyObject *with_receipt(larder_result result, larder_ref *receipt) {
  if (result < 0) return fail(result);
  PyObject *text = taken(receipt);
  return text == NULL ? NULL : Py_BuildValue("(iN)", (int)result, text);
}

static PyObject *kernel_invalidate(Kernel *self, PyObject *args) {
  unsigned int what;
  int space;
  const char *rule;
  Py_ssize_t n;
  unsigned long long user;
  PyObject *loop_object;
  larder_loop *loop;
  if (!PyArg_ParseTuple(args, "Iis#OK", &what, &space, &rule, &n, &loop_object, &user)) return NULL;
  if (opened(self) == NULL || loop_of(loop_object, &loop) < 0) return NULL;
  larder_ref *receipt = NULL;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_invalidate(self->k, what, space, rule, (size_t)n, loop, user, &receipt);
  Py_END_ALLOW_THREADS
  return with_receipt(result, receipt);
}

static PyObject *kernel_event(Kernel *self, PyObject *args) {
  const char *name;
  Py_ssize_t n;
  unsigned long long user;
  PyObject *values, *loop_object;
  larder_loop *loop;
  larder_field *fields;
  uint32_t nfields;
  if (!PyArg_ParseTuple(args, "s#OOK", &name, &n, &values, &loop_object, &user)) return NULL;
  if (opened(self) == NULL || loop_of(loop_object, &loop) < 0 || fields_of(values, &fields, &nfields) < 0) return NULL;
  larder_ref *receipt = NULL;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_event(self->k, name, (size_t)n, fields, nfields, loop, user, &receipt);
  Py_END_ALLOW_THREADS
  free(fields);
  return with_receipt(result, receipt);
}

/* method, path, query, headers, body, status */
static int route_of(PyObject *args, larder_route_args *route, larder_field **fields, PyObject **loop_object, unsigned long long *user) {
  const char *method, *path, *query, *body;
  Py_ssize_t nm, np, nq, nb;
  PyObject *headers;
  int status;
  if (!PyArg_ParseTuple(args, "s#s#s#Oy#i|OK", &method, &nm, &path, &np, &query, &nq, &headers, &body, &nb, &status, loop_object, user)) return -1;
  *route = (larder_route_args){.size = sizeof *route, .status = status};
  route->method = (larder_str){method, (size_t)nm};
  route->path = (larder_str){path, (size_t)np};
  route->query = (larder_str){query, (size_t)nq};
  route->body = (larder_str){body, (size_t)nb};
  if (fields_of(headers, fields, &route->nheaders) < 0) return -1;
  route->headers = *fields;
  return 0;
}

static PyObject *kernel_route(Kernel *self, PyObject *args) {
  larder_route_args route;
  larder_field *fields = NULL;
  PyObject *loop_object = Py_None;
  unsigned long long user = 0;
  larder_loop *loop;
  if (opened(self) == NULL || route_of(args, &route, &fields, &loop_object, &user) < 0) return NULL;
  if (loop_of(loop_object, &loop) < 0) {
    free(fields);
    return NULL;
  }
  larder_ref *receipt = NULL;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_route(self->k, &route, loop, user, &receipt);
  Py_END_ALLOW_THREADS
  free(fields);
  return with_receipt(result, receipt);
}

/* (space, key) or None. */
static PyObject *kernel_serve(Kernel *self, PyObject *args) {
  larder_route_args route;
  larder_field *fields = NULL;
  PyObject *loop_object = Py_None;
  unsigned long long user = 0;
  if (opened(self) == NULL || route_of(args, &route, &fields, &loop_object, &user) < 0) return NULL;
  int32_t space = 0;
  larder_ref *key = NULL;
  const larder_result result = larder_kernel_serve(self->k, &route, &space, &key);
  free(fields);
  if (result < 0) return fail(result);
  if (result != LARDER_R_HIT) Py_RETURN_NONE;
  PyObject *text = taken(key);
  return text == NULL ? NULL : Py_BuildValue("(iN)", (int)space, text);
}

/* keys(space, glob) -> list of bytes, each once. */
static PyObject *kernel_keys(Kernel *self, PyObject *args) {
  int space;
  const char *glob;
  Py_ssize_t n;
  if (!PyArg_ParseTuple(args, "is#", &space, &glob, &n) || opened(self) == NULL) return NULL;
  PyObject *out = PySet_New(NULL);
  uint64_t cursor = 0;
  do {
    larder_ref *ref = NULL;
    larder_result result;
    Py_BEGIN_ALLOW_THREADS
    result = larder_kernel_keys(self->k, space, glob, (size_t)n, &cursor, 1000, &ref);
    Py_END_ALLOW_THREADS
    if (out == NULL || result < 0) {
      larder_ref_release(ref);
      Py_XDECREF(out);
      return out == NULL ? NULL : fail(result);
    }
    size_t size = 0;
    const char *data = larder_ref_data(ref, &size);
    for (size_t at = 0; at < size;) {
      uint32_t length;
      memcpy(&length, data + at, sizeof length);
      at += sizeof length;
      PyObject *key = PyBytes_FromStringAndSize(data + at, (Py_ssize_t)length);
      at += length;
      if (key == NULL || PySet_Add(out, key) < 0) size = 0;
      Py_XDECREF(key);
    }
    larder_ref_release(ref);
  } while (cursor != 0 && !PyErr_Occurred());
  if (PyErr_Occurred()) {
    Py_DECREF(out);
    return NULL;
  }
  return out;
}

static PyObject *kernel_report(Kernel *self, PyObject *what) {
  const char *p;
  Py_ssize_t n;
  if (opened(self) == NULL || text_of(what, &p, &n) < 0) return NULL;
  larder_ref *ref = NULL;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_report(self->k, p, (size_t)n, &ref);
  Py_END_ALLOW_THREADS
  if (result != LARDER_R_DONE) return fail(result);
  size_t size = 0;
  const char *data = larder_ref_data(ref, &size);
  PyObject *out = PyUnicode_DecodeUTF8(data, (Py_ssize_t)size, "replace");
  larder_ref_release(ref);
  return out;
}

/* session(verb, name, id or user, data, loop, user) -> (result, bytes or None) */
static PyObject *kernel_session(Kernel *self, PyObject *args) {
  const char *verb, *name, *who, *data;
  Py_ssize_t nwho, ndata;
  PyObject *loop_object;
  unsigned long long user;
  larder_loop *loop;
  if (!PyArg_ParseTuple(args, "sss#s#OK", &verb, &name, &who, &nwho, &data, &ndata, &loop_object, &user)) return NULL;
  if (opened(self) == NULL || loop_of(loop_object, &loop) < 0) return NULL;
  larder_ref *ref = NULL;
  larder_result result = LARDER_R_INVALID;
  Py_BEGIN_ALLOW_THREADS
  if (strcmp(verb, "create") == 0) result = larder_session_create(self->k, name, who, (size_t)nwho, data, (size_t)ndata, loop, user, &ref);
  else if (strcmp(verb, "get") == 0) result = larder_session_get(self->k, name, who, (size_t)nwho, loop, user, &ref);
  else if (strcmp(verb, "update") == 0) result = larder_session_update(self->k, name, who, (size_t)nwho, data, (size_t)ndata, loop, user, &ref);
  else if (strcmp(verb, "rotate") == 0) result = larder_session_rotate(self->k, name, who, (size_t)nwho, loop, user, &ref);
  else if (strcmp(verb, "end") == 0) result = larder_session_end(self->k, name, who, (size_t)nwho, loop, user);
  else if (strcmp(verb, "end_user") == 0) result = larder_session_end_user(self->k, name, who, (size_t)nwho, loop, user, NULL);
  Py_END_ALLOW_THREADS
  return with_receipt(result, ref);
}

static PyObject *kernel_warm(Kernel *self, PyObject *space) {
  const long number = PyLong_AsLong(space);
  if (opened(self) == NULL || PyErr_Occurred()) return NULL;
  uint32_t queued = 0;
  const larder_result result = larder_kernel_warm(self->k, (int32_t)number, &queued);
  return result < 0 ? fail(result) : PyLong_FromUnsignedLong(queued);
}

static PyObject *kernel_reload(Kernel *self, PyObject *ignored) {
  (void)ignored;
  if (opened(self) == NULL) return NULL;
  larder_result result;
  Py_BEGIN_ALLOW_THREADS
  result = larder_kernel_reload(self->k, NULL);
  Py_END_ALLOW_THREADS
  if (result < 0) return fail(result);
  Py_RETURN_NONE;
}

static PyObject *kernel_advance(Kernel *self, PyObject *ms) {
  const long long by = PyLong_AsLongLong(ms);
  if (opened(self) == NULL || PyErr_Occurred()) return NULL;
  const larder_result result = larder_kernel_advance(self->k, by);
  if (result < 0) return fail(result);
  Py_RETURN_NONE;
}

#define METHOD(name, flags) {#name, (PyCFunction)(void (*)(void))kernel_##name, flags, NULL}
static PyMethodDef kernel_methods[] = {METHOD(close, METH_NOARGS),     METHOD(space, METH_O),
                                       METHOD(lookup, METH_FASTCALL),  METHOD(peek, METH_FASTCALL),
                                       METHOD(fill, METH_VARARGS),     METHOD(put, METH_VARARGS),
                                       METHOD(fail, METH_O),           METHOD(drop, METH_VARARGS),
                                       METHOD(expire, METH_VARARGS),   METHOD(ttl, METH_VARARGS),
                                       METHOD(depend, METH_VARARGS),   METHOD(invalidate, METH_VARARGS),
                                       METHOD(event, METH_VARARGS),    METHOD(route, METH_VARARGS),
                                       METHOD(serve, METH_VARARGS),    METHOD(keys, METH_VARARGS),
                                       METHOD(report, METH_O),         METHOD(session, METH_VARARGS),
                                       METHOD(warm, METH_O),           METHOD(reload, METH_NOARGS),
                                       METHOD(advance, METH_O),        {NULL, NULL, 0, NULL}};
static PyType_Slot kernel_slots[] = {{Py_tp_init, kernel_init}, {Py_tp_dealloc, kernel_dealloc}, {Py_tp_methods, kernel_methods}, {0, NULL}};
static PyType_Spec kernel_spec = {"larder._larder.Kernel", sizeof(Kernel), 0, Py_TPFLAGS_DEFAULT, kernel_slots};

/* -------------------------------------------------------------------------------------------------- Loop */

static int loop_init(Loop *self, PyObject *args, PyObject *named) {
  PyObject *kernel;
  if ((named != NULL && PyDict_Size(named) != 0) || !PyArg_ParseTuple(args, "O!", kernel_type, &kernel)) return -1;
  if (self->loop != NULL || opened((Kernel *)kernel) == NULL) return -1;
  if ((self->loop = larder_loop_new(((Kernel *)kernel)->k)) == NULL) {
    fail(LARDER_R_BUSY);
    return -1;
  }
  self->kernel = (Kernel *)Py_NewRef(kernel);
  return 0;
}

static PyObject *loop_close(Loop *self, PyObject *ignored) {
  (void)ignored;
  if (self->loop != NULL && self->kernel->k != NULL) larder_loop_free(self->loop);
  self->loop = NULL;
  Py_CLEAR(self->kernel);
  Py_RETURN_NONE;
}

static void loop_dealloc(Loop *self) {
  PyTypeObject *type = Py_TYPE(self);
  Py_XDECREF(loop_close(self, NULL));
  ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
  Py_DECREF(type);
}

static larder_loop *usable(Loop *self) {
  if (self->loop != NULL && opened(self->kernel) != NULL) return self->loop;
  if (!PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "the loop is closed");
  return NULL;
}

static PyObject *loop_fd(Loop *self, PyObject *ignored) {
  (void)ignored;
  return usable(self) == NULL ? NULL : PyLong_FromLong(larder_loop_fd(self->loop));
}

/* drain() -> [(user, result, bytes or None, lease)] */
static PyObject *loop_drain(Loop *self, PyObject *ignored) {
  (void)ignored;
  if (usable(self) == NULL) return NULL;
  PyObject *out = PyList_New(0);
  larder_completion done[64];
  size_t n = 64;
  while (out != NULL && n == 64) {
    n = larder_loop_drain(self->loop, done, 64);
    for (size_t i = 0; i < n; ++i) {
      PyObject *value = taken(done[i].ref);
      PyObject *one = value == NULL ? NULL : Py_BuildValue("(KiNK)", (unsigned long long)done[i].user, (int)done[i].result, value, (unsigned long long)done[i].lease);
      if (one == NULL || PyList_Append(out, one) < 0) Py_CLEAR(out);
      Py_XDECREF(one);
      if (out == NULL) return NULL;
    }
  }
  return out;
}

/* wait(ms): until there is something to drain, without the interpreter's lock. False: nothing came. */
static PyObject *loop_wait(Loop *self, PyObject *ms) {
  const long timeout = PyLong_AsLong(ms);
  if (PyErr_Occurred() || usable(self) == NULL) return NULL;
  struct pollfd fd = {.fd = larder_loop_fd(self->loop), .events = POLLIN};
  int ready;
  Py_BEGIN_ALLOW_THREADS
  ready = poll(&fd, 1, (int)timeout);
  Py_END_ALLOW_THREADS
  if (ready < 0 && PyErr_CheckSignals() < 0) return NULL;
  return PyBool_FromLong(ready > 0);
}

static PyObject *loop_cancel(Loop *self, PyObject *user) {
  const unsigned long long number = PyLong_AsUnsignedLongLong(user);
  if (PyErr_Occurred() || usable(self) == NULL) return NULL;
  return PyLong_FromSize_t(larder_loop_cancel(self->loop, number));
}

static PyObject *loop_watch_alerts(Loop *self, PyObject *user) {
  const unsigned long long number = PyLong_AsUnsignedLongLong(user);
  if (PyErr_Occurred() || usable(self) == NULL) return NULL;
  const larder_result result = larder_loop_watch_alerts(self->loop, number);
  if (result < 0) return fail(result);
  Py_RETURN_NONE;
}

static PyMethodDef loop_methods[] = {{"close", (PyCFunction)loop_close, METH_NOARGS, NULL},   {"fd", (PyCFunction)loop_fd, METH_NOARGS, NULL},
                                     {"drain", (PyCFunction)loop_drain, METH_NOARGS, NULL},   {"wait", (PyCFunction)loop_wait, METH_O, NULL},
                                     {"cancel", (PyCFunction)loop_cancel, METH_O, NULL},      {"watch_alerts", (PyCFunction)loop_watch_alerts, METH_O, NULL},
                                     {NULL, NULL, 0, NULL}};
static PyType_Slot loop_slots[] = {{Py_tp_init, loop_init}, {Py_tp_dealloc, loop_dealloc}, {Py_tp_methods, loop_methods}, {0, NULL}};
static PyType_Spec loop_spec = {"larder._larder.Loop", sizeof(Loop), 0, Py_TPFLAGS_DEFAULT, loop_slots};

/* ------------------------------------------------------------------------------------------------ module */

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_larder", "larder.h for Python; see larder.kernel.", -1, NULL, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__larder(void) {
  PyObject *made = PyModule_Create(&module);
  if (made == NULL) return NULL;
  kernel_type = (PyTypeObject *)PyType_FromSpec(&kernel_spec);
  loop_type = (PyTypeObject *)PyType_FromSpec(&loop_spec);
  larder_error = PyErr_NewExceptionWithDoc("larder.Error", "args: the result's name (\"INVALID\") and a sentence.", NULL, NULL);
  if (kernel_type == NULL || loop_type == NULL || larder_error == NULL || PyModule_AddObjectRef(made, "Kernel", (PyObject *)kernel_type) < 0 ||
      PyModule_AddObjectRef(made, "Loop", (PyObject *)loop_type) < 0 || PyModule_AddObjectRef(made, "Error", larder_error) < 0 ||
      PyModule_AddStringConstant(made, "version", larder_version()) < 0)
    Py_CLEAR(made);
  return made;
}

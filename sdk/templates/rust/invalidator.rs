// invalidator_@NAME@ -- a write below a path drops the tag of what it names.
//
// on_request is asked about every request that the kernel hears of, on the thread that tells it: it does not wait.
mod abi;
use abi::*;
use std::os::raw::c_void;

struct Invalidator {
    below: String,
}

unsafe extern "C" fn on_request(this: *mut c_void, request: *const Request, sink: *const InvalidationSink) -> Status {
    guarded(|| {
        let me = &*(this as *const Invalidator);
        let request = &*request;
        let writes = matches!(request.method.slice(), b"POST" | b"PUT" | b"PATCH" | b"DELETE");
        let path = request.path.slice();
        if !writes || request.status >= 400 || !path.starts_with(me.below.as_bytes()) {
            return OK;
        }
        let part = path[me.below.len()..].split(|c| *c == b'/').next().unwrap_or(b"");
        if !part.is_empty() {
            let tag = [b"item:", part].concat();
            ((*sink).add)((*sink).ctx, DROP, &Target { kind: TARGET_TAG, ns: NS_NONE, what: Bytes::of(&tag) });
        }
        OK
    })
}

static TABLE: InvalidatorTable = InvalidatorTable { struct_size: std::mem::size_of::<InvalidatorTable>() as u32, reserved: 0, on_request };

unsafe extern "C" fn create(host: *const Host, config: *const c_void, out: *mut Instance, _: *mut c_void) -> Status {
    guarded(|| {
        let below = match text(host, config, b"below\0") {
            Some(below) => below,
            None => return E_CONFIG,
        };
        (*out).caps = INV_CAP_RULES;
        (*out).this = Box::into_raw(Box::new(Invalidator { below })) as *mut c_void;
        (*out).vtable = &TABLE as *const InvalidatorTable as *const c_void;
        OK
    })
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    drop(Box::from_raw(this as *mut Invalidator));
}

static COMPONENT: Component = Component {
    struct_size: std::mem::size_of::<Component>() as u32,
    kind: KIND_INVALIDATOR,
    name: b"@NAME@\0".as_ptr(),
    caps: INV_CAP_RULES,
    create,
    destroy,
    start: None,
    stop: None,
    reconfigure: None,
    health: None,
    extension: None,
};

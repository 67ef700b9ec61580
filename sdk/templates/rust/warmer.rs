// warmer_@NAME@ -- the value of a key is the file of its name.
//
// The kernel decides when, how many at once and what is fresh; fetch makes one value, or says why not, by the call's deadline.
mod abi;
use abi::*;
use std::os::raw::c_void;

struct Warmer {
    folder: String,
}

// A key is whatever a client wrote: never a path.
fn is_file_name(key: &str) -> bool {
    !key.is_empty() && key.len() <= 200 && !key.starts_with('.') && !key.contains(|c| c == '/' || c == '\0')
}

unsafe extern "C" fn fetch(this: *mut c_void, item: *const WarmItem, _: *const Call, _: *mut c_void, out: *mut Value) -> Status {
    guarded(|| {
        let me = &*(this as *const Warmer);
        let key = match std::str::from_utf8((*item).key.slice()) {
            Ok(key) if is_file_name(key) => key,
            _ => return MISS,
        };
        match std::fs::read(std::path::Path::new(&me.folder).join(key)) {
            Ok(bytes) => give(out, bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => MISS,
            Err(_) => E_IO,
        }
    })
}

static TABLE: WarmerTable = WarmerTable { struct_size: std::mem::size_of::<WarmerTable>() as u32, reserved: 0, fetch };

unsafe extern "C" fn create(host: *const Host, config: *const c_void, out: *mut Instance, _: *mut c_void) -> Status {
    guarded(|| {
        let folder = match text(host, config, b"folder\0") {
            Some(folder) => folder,
            None => return E_CONFIG,
        };
        (*out).caps = 0;
        (*out).this = Box::into_raw(Box::new(Warmer { folder })) as *mut c_void;
        (*out).vtable = &TABLE as *const WarmerTable as *const c_void;
        OK
    })
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    drop(Box::from_raw(this as *mut Warmer));
}

static COMPONENT: Component = Component {
    struct_size: std::mem::size_of::<Component>() as u32,
    kind: KIND_WARMER,
    name: b"@NAME@\0".as_ptr(),
    caps: 0,
    create,
    destroy,
    start: None,
    stop: None,
    reconfigure: None,
    health: None,
    extension: None,
};

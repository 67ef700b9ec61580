// store_@NAME@ -- a store that keeps so many entries and no more.
//
// What a store owes is in <larder/plugin/store.h>: what is borrowed is copied, what is given away is given with its release.
mod abi;
use abi::*;
use std::collections::HashMap;
use std::os::raw::c_void;
use std::sync::Mutex;

struct Store {
    most: usize,
    entries: Mutex<HashMap<(u32, Vec<u8>), Vec<u8>>>,
}

unsafe fn me<'a>(this: *mut c_void) -> &'a Store {
    &*(this as *const Store)
}

unsafe extern "C" fn get(this: *mut c_void, key: *const Key, _: *const Call, out: *mut Value) -> Status {
    guarded(|| match me(this).entries.lock().unwrap().get(&(*key).owned()) {
        Some(found) => give(out, found.clone()),
        None => MISS,
    })
}

unsafe extern "C" fn put(this: *mut c_void, key: *const Key, put: *const Put, _: *const Call) -> Status {
    guarded(|| {
        let store = me(this);
        let mut entries = store.entries.lock().unwrap();
        let key = (*key).owned();
        let there = entries.contains_key(&key);
        if there && (*put).flags & PUT_IF_ABSENT != 0 {
            return EXISTS;
        }
        if !there && entries.len() >= store.most {
            return E_TOO_LARGE;
        }
        entries.insert(key, (*put).value.slice().to_vec());
        OK
    })
}

unsafe extern "C" fn remove(this: *mut c_void, key: *const Key, _: u64, _: *const Call) -> Status {
    guarded(|| if me(this).entries.lock().unwrap().remove(&(*key).owned()).is_some() { OK } else { MISS })
}

unsafe extern "C" fn touch(this: *mut c_void, key: *const Key, touch: *const Touch, _: *const Call) -> Status {
    guarded(|| {
        let mut entries = me(this).entries.lock().unwrap();
        let patch = (*touch).patch.slice();
        let at = (*touch).patch_offset as usize;
        match entries.get_mut(&(*key).owned()) {
            None => MISS,
            Some(value) if at + patch.len() > value.len() => E_INVALID,
            Some(value) => {
                value[at..at + patch.len()].copy_from_slice(patch);
                OK
            }
        }
    })
}

static TABLE: StoreTable = StoreTable { struct_size: std::mem::size_of::<StoreTable>() as u32, reserved: 0, get, put, remove, touch };

unsafe extern "C" fn create(host: *const Host, config: *const c_void, out: *mut Instance, _: *mut c_void) -> Status {
    guarded(|| {
        let most = match integer(host, config, b"most\0") {
            Some(most) => most as usize,
            None => return E_CONFIG,
        };
        (*out).caps = STORE_CAP_SYNC;
        (*out).this = Box::into_raw(Box::new(Store { most, entries: Mutex::new(HashMap::new()) })) as *mut c_void;
        (*out).vtable = &TABLE as *const StoreTable as *const c_void;
        OK
    })
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    drop(Box::from_raw(this as *mut Store));
}

static COMPONENT: Component = Component {
    struct_size: std::mem::size_of::<Component>() as u32,
    kind: KIND_STORE,
    name: b"@NAME@\0".as_ptr(),
    caps: STORE_CAP_SYNC,
    create,
    destroy,
    start: None,
    stop: None,
    reconfigure: None,
    health: None,
    extension: None,
};

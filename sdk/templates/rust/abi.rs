// abi.rs -- the C ABI of larder's plugins, generation 1, as far as this plugin uses it: <larder/plugin/*.h> by hand.
//
// Layouts are those of the C headers. A struct that begins with struct_size may grow at its end; the others are frozen.
#![allow(dead_code)]
use std::os::raw::{c_char, c_void};

pub type Status = i32;
pub const OK: Status = 0;
pub const MISS: Status = 1;
pub const EXISTS: Status = 3;
pub const E_INVALID: Status = -1;
pub const E_NOMEM: Status = -3;
pub const E_TOO_LARGE: Status = -10;
pub const E_CORRUPT: Status = -11;
pub const E_CONFIG: Status = -13;
pub const E_EXCEPTION: Status = -16;

pub const MAGIC: u32 = 0x3152444c;
pub const ABI_VERSION: u32 = 1 << 16;
pub const KIND_STORE: u32 = 1;
pub const KIND_COMPRESSOR: u32 = 2;
pub const STORE_CAP_SYNC: u64 = 1;
pub const COMP_CAP_DETERMINISTIC: u64 = 1;
pub const PUT_IF_ABSENT: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *const u8,
    pub size: usize,
}
impl Bytes {
    /// # Safety
    /// Borrowed: good until the function that got it returns.
    pub unsafe fn slice<'a>(self) -> &'a [u8] {
        if self.size == 0 { &[] } else { std::slice::from_raw_parts(self.data, self.size) }
    }
}

#[repr(C)]
pub struct Key {
    pub data: *const u8,
    pub size: u32,
    pub ns: u32,
    pub hash: u64,
}
impl Key {
    /// # Safety
    /// Borrowed: good until the function that got it returns.
    pub unsafe fn owned(&self) -> (u32, Vec<u8>) {
        (self.ns, Bytes { data: self.data, size: self.size as usize }.slice().to_vec())
    }
}

#[repr(C)]
pub struct Value {
    pub data: *const c_void,
    pub size: usize,
    pub release: Option<unsafe extern "C" fn(*mut Value)>,
    pub pin: *mut c_void,
}

unsafe extern "C" fn give_back(value: *mut Value) {
    drop(Box::from_raw((*value).pin as *mut Vec<u8>));
}

/// Gives bytes away; whoever holds them gives them back once.
/// # Safety
/// out is the caller's.
pub unsafe fn give(out: *mut Value, bytes: Vec<u8>) -> Status {
    let held = Box::new(bytes);
    (*out).data = held.as_ptr() as *const c_void;
    (*out).size = held.len();
    (*out).release = Some(give_back);
    (*out).pin = Box::into_raw(held) as *mut c_void;
    OK
}

#[repr(C)]
pub struct Call {
    pub struct_size: u32,
    pub flags: u32,
    pub deadline_ns: u64,
}

#[repr(C)]
pub struct Put {
    pub struct_size: u32,
    pub flags: u32,
    pub value: Bytes,
    pub ttl_ms: u64,
    pub version: u64,
    pub if_version: u64,
}

#[repr(C)]
pub struct Touch {
    pub struct_size: u32,
    pub patch_offset: u32,
    pub ttl_ms: u64,
    pub if_version: u64,
    pub patch: Bytes,
}

#[repr(C)]
pub struct StoreTable {
    pub struct_size: u32,
    pub reserved: u32,
    pub get: unsafe extern "C" fn(*mut c_void, *const Key, *const Call, *mut Value) -> Status,
    pub put: unsafe extern "C" fn(*mut c_void, *const Key, *const Put, *const Call) -> Status,
    pub remove: unsafe extern "C" fn(*mut c_void, *const Key, u64, *const Call) -> Status,
    pub touch: unsafe extern "C" fn(*mut c_void, *const Key, *const Touch, *const Call) -> Status,
}

#[repr(C)]
pub struct CompressorTable {
    pub struct_size: u32,
    pub codec_id: u32,
    pub bound: unsafe extern "C" fn(*mut c_void, usize) -> usize,
    pub compress: unsafe extern "C" fn(*mut c_void, Bytes, *mut u8, *mut usize) -> Status,
    pub decompress: unsafe extern "C" fn(*mut c_void, Bytes, *mut u8, *mut usize) -> Status,
    pub train: Option<unsafe extern "C" fn()>,
}

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_version: u32,
    pub kernel_name: *const c_char,
    pub kernel_version: *const c_char,
    pub ctx: *mut c_void,
    pub log: Option<unsafe extern "C" fn(*const Host, i32, *const c_char, usize)>,
    pub log_level: Option<unsafe extern "C" fn(*const Host) -> i32>,
    pub mono_ns: Option<unsafe extern "C" fn(*const Host) -> u64>,
    pub wall_ms: Option<unsafe extern "C" fn(*const Host) -> u64>,
    pub alloc: Option<unsafe extern "C" fn(*const Host, usize, usize) -> *mut c_void>,
    pub free: Option<unsafe extern "C" fn(*const Host, *mut c_void, usize)>,
    pub service: Option<unsafe extern "C" fn(*const Host, *const c_char) -> *const c_void>,
}

#[repr(C)]
pub struct ConfigApi {
    pub struct_size: u32,
    pub reserved: u32,
    pub get_bool: unsafe extern "C" fn(*const c_void, *const c_char, *mut i32) -> Status,
    pub get_int: unsafe extern "C" fn(*const c_void, *const c_char, *mut i64) -> Status,
}

/// An option of the manifest that is a number, a size in bytes or a duration in ns.
/// # Safety
/// name ends with a NUL; during create only.
pub unsafe fn integer(host: *const Host, config: *const c_void, name: &[u8]) -> Option<i64> {
    let api = (*host).service?(host, b"larder.config/1\0".as_ptr() as *const c_char) as *const ConfigApi;
    let mut out = 0;
    if !api.is_null() && ((*api).get_int)(config, name.as_ptr() as *const c_char, &mut out) == OK { Some(out) } else { None }
}

#[repr(C)]
pub struct Instance {
    pub struct_size: u32,
    pub reserved: u32,
    pub caps: u64,
    pub this: *mut c_void,
    pub vtable: *const c_void,
}

#[repr(C)]
pub struct Component {
    pub struct_size: u32,
    pub kind: u32,
    pub name: *const u8,
    pub caps: u64,
    pub create: unsafe extern "C" fn(*const Host, *const c_void, *mut Instance, *mut c_void) -> Status,
    pub destroy: unsafe extern "C" fn(*mut c_void),
    pub start: Option<unsafe extern "C" fn()>,
    pub stop: Option<unsafe extern "C" fn()>,
    pub reconfigure: Option<unsafe extern "C" fn()>,
    pub health: Option<unsafe extern "C" fn()>,
    pub extension: Option<unsafe extern "C" fn()>,
}
unsafe impl Sync for Component {}

#[repr(C)]
pub struct Plugin {
    pub magic: u32,
    pub struct_size: u32,
    pub abi_version: u32,
    pub component_count: u32,
    pub id: *const u8,
    pub version: *const u8,
    pub license: *const u8,
    pub vendor: *const u8,
    pub build: *const u8,
    pub manifest: *const u8,
    pub manifest_size: usize,
    pub components: *const &'static Component,
    pub init: Option<unsafe extern "C" fn()>,
    pub deinit: Option<unsafe extern "C" fn()>,
}
unsafe impl Sync for Plugin {}

/// A panic does not cross the border.
pub fn guarded(work: impl FnOnce() -> Status) -> Status {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(E_EXCEPTION)
}

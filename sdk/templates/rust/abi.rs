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
pub const E_UNSUPPORTED: Status = -2;
pub const E_NOMEM: Status = -3;
pub const E_IO: Status = -4;
pub const E_TOO_LARGE: Status = -10;
pub const E_CORRUPT: Status = -11;
pub const E_CONFIG: Status = -13;
pub const E_EXCEPTION: Status = -16;

pub const MAGIC: u32 = 0x3152444c;
pub const ABI_VERSION: u32 = 1 << 16;
pub const KIND_STORE: u32 = 1;
pub const KIND_COMPRESSOR: u32 = 2;
pub const KIND_WARMER: u32 = 3;
pub const KIND_INVALIDATOR: u32 = 4;
pub const KIND_SESSION: u32 = 5;
pub const KIND_EXPORTER: u32 = 6;
pub const KIND_GATEWAY: u32 = 7;
pub const STORE_CAP_SYNC: u64 = 1;
pub const COMP_CAP_DETERMINISTIC: u64 = 1;
pub const PUT_IF_ABSENT: u32 = 1;
pub const INV_CAP_RULES: u64 = 1;
pub const EXP_CAP_PULL: u64 = 1;
pub const NS_NONE: u32 = u32::MAX;
pub const TARGET_TAG: u32 = 3;
pub const DROP: u32 = 0;
pub const ROLE_READ: u32 = 1;

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
    /// As long as `text` is there.
    pub fn of(text: &[u8]) -> Bytes {
        Bytes { data: text.as_ptr(), size: text.len() }
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

/// A value that was given to us, given back when it goes out of scope.
pub struct Held(pub Value);
impl Held {
    pub fn empty() -> Held {
        Held(Value { data: std::ptr::null(), size: 0, release: None, pin: std::ptr::null_mut() })
    }
    pub fn bytes(&self) -> &[u8] {
        unsafe { Bytes { data: self.0.data as *const u8, size: self.0.size }.slice() }
    }
}
impl Drop for Held {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            unsafe { release(&mut self.0) }
        }
    }
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
    pub done: *const c_void,
    pub done_ctx: *mut c_void,
    pub traceparent: *const c_char,
    pub role: u32,
    pub reserved: u32,
    pub client: u64,
    pub now_ns: u64,
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
pub struct Pair {
    pub name: Bytes,
    pub value: Bytes,
}

#[repr(C)]
pub struct WarmItem {
    pub struct_size: u32,
    pub ns: u32,
    pub key: Bytes,
    pub hint: Bytes,
}

#[repr(C)]
pub struct WarmerTable {
    pub struct_size: u32,
    pub reserved: u32,
    pub fetch: unsafe extern "C" fn(*mut c_void, *const WarmItem, *const Call, *mut c_void, *mut Value) -> Status,
}

#[repr(C)]
pub struct Target {
    pub kind: u32,
    pub ns: u32,
    pub what: Bytes,
}

#[repr(C)]
pub struct Request {
    pub struct_size: u32,
    pub status: u32,
    pub method: Bytes,
    pub path: Bytes,
    pub query: Bytes,
    pub headers: *const Pair,
    pub header_count: u32,
    pub reserved: u32,
    pub body: Bytes,
}

#[repr(C)]
pub struct InvalidationSink {
    pub struct_size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub add: unsafe extern "C" fn(*mut c_void, u32, *const Target),
}

#[repr(C)]
pub struct InvalidatorTable {
    pub struct_size: u32,
    pub reserved: u32,
    pub on_request: unsafe extern "C" fn(*mut c_void, *const Request, *const InvalidationSink) -> Status,
}

#[repr(C)]
pub struct Sample {
    pub labels: *const Pair,
    pub label_count: u32,
    pub bucket_count: u32,
    pub value: f64,
    pub count: u64,
    pub bucket_le: *const f64,
    pub bucket_count_le: *const u64,
}

#[repr(C)]
pub struct Family {
    pub struct_size: u32,
    pub kind: i32,
    pub name: Bytes,
    pub help: Bytes,
    pub unit: Bytes,
    pub samples: *const Sample,
    pub sample_count: usize,
}

#[repr(C)]
pub struct TextSink {
    pub struct_size: u32,
    pub reserved: u32,
    pub ctx: *mut c_void,
    pub write: unsafe extern "C" fn(*mut c_void, Bytes) -> Status,
}

type Render = unsafe extern "C" fn(*mut c_void, Bytes, *const *const Family, usize, *const TextSink, *mut *const c_char) -> Status;
#[repr(C)]
pub struct ExporterTable {
    pub struct_size: u32,
    pub reserved: u32,
    pub render: Render,
}

#[repr(C)]
pub struct SessionSpec {
    pub struct_size: u32,
    pub ns: u32,
    pub user: Bytes,
    pub data: Bytes,
    pub ttl_ms: u64,
}

#[repr(C)]
pub struct SessionId {
    pub size: u32,
    pub text: [u8; 124],
}

#[repr(C)]
pub struct SessionFacts {
    pub struct_size: u32,
    pub flags: u32,
    pub idle_ms: u64,
    pub absolute_ms: u64,
    pub per_user: u32,
    pub reserved: u32,
}

#[repr(C)]
pub struct SessionStoreApi {
    pub struct_size: u32,
    pub reserved: u32,
    pub facts: unsafe extern "C" fn(*const Host, Bytes, *mut SessionFacts) -> Status,
    pub now_ms: unsafe extern "C" fn(*const Host, Bytes) -> u64,
    pub get: unsafe extern "C" fn(*const Host, Bytes, Bytes, *const Call, *mut Value) -> Status,
    pub put: unsafe extern "C" fn(*const Host, Bytes, Bytes, *const Put, *const Call) -> Status,
    pub remove: unsafe extern "C" fn(*const Host, Bytes, Bytes, u64, *const Call) -> Status,
}

#[repr(C)]
pub struct SessionTable {
    pub struct_size: u32,
    pub reserved: u32,
    pub create: unsafe extern "C" fn(*mut c_void, *const SessionSpec, *const Call, *mut SessionId) -> Status,
    pub load: unsafe extern "C" fn(*mut c_void, Bytes, *const Call, *mut Value) -> Status,
    pub save: unsafe extern "C" fn(*mut c_void, Bytes, Bytes, *const Call) -> Status,
    pub touch: unsafe extern "C" fn(*mut c_void, Bytes, *const Call) -> Status,
    pub destroy: unsafe extern "C" fn(*mut c_void, Bytes, *const Call) -> Status,
}

#[repr(C)]
pub struct CacheGet {
    pub ns: u32,
    pub found: u32,
    pub key: Bytes,
    pub value: Value,
    pub ttl_ms: i64,
    pub version: u64,
    pub status: Status,
    pub reserved: u32,
}

/// The first functions of larder.cache/1; there are more behind them.
#[repr(C)]
pub struct CacheApi {
    pub struct_size: u32,
    pub reserved: u32,
    pub ns_find: unsafe extern "C" fn(*const Host, Bytes, *mut u32) -> Status,
    pub ns_name: unsafe extern "C" fn(*const Host, u32, *mut Bytes) -> Status,
    pub resolve: unsafe extern "C" fn(*const Host, Bytes, u32, *mut u32, *mut u32) -> Status,
    pub check_key: unsafe extern "C" fn(*const Host, u32, Bytes, *mut Errbuf) -> Status,
    pub get_many: unsafe extern "C" fn(*const Host, *mut CacheGet, usize, *const Call) -> Status,
}

#[repr(C)]
pub struct GatewayTable {
    pub struct_size: u32,
    pub reserved: u32,
    pub address: unsafe extern "C" fn(*mut c_void, u32, *mut u8, u32) -> Status,
}

#[repr(C)]
pub struct Errbuf {
    pub buf: *mut u8,
    pub cap: u32,
    pub len: u32,
}

/// Says why, for a person: one line, cut where the room ends.
/// # Safety
/// err is the caller's.
pub unsafe fn explain(err: *mut Errbuf, why: &str) {
    let size = why.len().min(((*err).cap as usize).saturating_sub(1));
    std::ptr::copy_nonoverlapping(why.as_ptr(), (*err).buf, size);
    (*err).len = size as u32;
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
    pub get_float: unsafe extern "C" fn(*const c_void, *const c_char, *mut f64) -> Status,
    pub get_str: unsafe extern "C" fn(*const c_void, *const c_char, *mut Bytes) -> Status,
    pub get_list: unsafe extern "C" fn(*const c_void, *const c_char, u32, *mut Bytes) -> Status,
    pub at: unsafe extern "C" fn(*const c_void, *const c_char, *mut Bytes) -> Status,
    pub instance_name: unsafe extern "C" fn(*const c_void) -> *const c_char,
}

/// A service of the kernel by its name, which ends with a NUL; None: not here.
/// # Safety
/// T is the service's table. Good as long as the module.
pub unsafe fn service<T>(host: *const Host, name: &[u8]) -> Option<&'static T> {
    ((*host).service?(host, name.as_ptr() as *const c_char) as *const T).as_ref()
}

/// An option of the manifest that is a text or a path.
/// # Safety
/// name ends with a NUL; during create only.
pub unsafe fn text(host: *const Host, config: *const c_void, name: &[u8]) -> Option<String> {
    let api = service::<ConfigApi>(host, b"larder.config/1\0")?;
    let mut out = Bytes::of(b"");
    if (api.get_str)(config, name.as_ptr() as *const c_char, &mut out) != OK {
        return None;
    }
    String::from_utf8(out.slice().to_vec()).ok()
}

/// What the instance is called in larder.toml.
/// # Safety
/// During create only.
pub unsafe fn instance_name(host: *const Host, config: *const c_void) -> Option<Vec<u8>> {
    let api = service::<ConfigApi>(host, b"larder.config/1\0")?;
    Some(std::ffi::CStr::from_ptr((api.instance_name)(config)).to_bytes().to_vec())
}

/// An option of the manifest that is a number, a size in bytes or a duration in ns.
/// # Safety
/// name ends with a NUL; during create only.
pub unsafe fn integer(host: *const Host, config: *const c_void, name: &[u8]) -> Option<i64> {
    let api = service::<ConfigApi>(host, b"larder.config/1\0")?;
    let mut out = 0;
    if (api.get_int)(config, name.as_ptr() as *const c_char, &mut out) == OK { Some(out) } else { None }
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
    pub start: Option<unsafe extern "C" fn(*mut c_void, *mut Errbuf) -> Status>,
    pub stop: Option<unsafe extern "C" fn(*mut c_void, u64) -> Status>,
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

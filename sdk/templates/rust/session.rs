// session_@NAME@ -- sessions as they are, found by their identifier.
//
// The kernel gives records a store (larder.session_store/1); the plugin owns identifiers, their form and their end. These
// records are not sealed: who reads the store reads the data, and the identifiers. Neither can they be listed by user.
mod abi;
use abi::*;
use std::io::Read;
use std::os::raw::c_void;

struct Sessions {
    host: *const Host,
    store: &'static SessionStoreApi,
    name: Vec<u8>,
}

// 16 bytes of ours (when it ends at the latest), 8 of its version, then the data.
const HEAD: usize = 24;
const ID_SIZE: usize = 24;

// Anybody sends anything: only what create makes is looked for.
fn is_id(id: &[u8]) -> bool {
    id.len() == ID_SIZE && id.iter().all(|c| c.is_ascii_alphanumeric() || *c == b'-' || *c == b'_')
}

impl Sessions {
    unsafe fn now(&self) -> u64 {
        (self.store.now_ms)(self.host, Bytes::of(&self.name))
    }
    unsafe fn facts(&self) -> Option<SessionFacts> {
        let mut out = SessionFacts { struct_size: 0, flags: 0, idle_ms: 0, absolute_ms: 0, per_user: 0, reserved: 0 };
        out.struct_size = std::mem::size_of::<SessionFacts>() as u32;
        if (self.store.facts)(self.host, Bytes::of(&self.name), &mut out) == OK { Some(out) } else { None }
    }
    // What stands under an id that has not ended, and when it does.
    unsafe fn read(&self, id: &[u8], call: *const Call) -> Result<(Vec<u8>, u64), Status> {
        if !is_id(id) {
            return Err(MISS);
        }
        let mut record = Held::empty();
        match (self.store.get)(self.host, Bytes::of(&self.name), Bytes::of(id), call, &mut record.0) {
            OK => (),
            status => return Err(status),
        }
        let bytes = record.bytes();
        if bytes.len() < HEAD {
            return Err(MISS);
        }
        let mut ends = [0; 8];
        ends.copy_from_slice(&bytes[..8]);
        let ends = u64::from_ne_bytes(ends);
        if ends <= self.now() { Err(MISS) } else { Ok((bytes[HEAD..].to_vec(), ends)) }
    }
    unsafe fn write(&self, id: &[u8], data: &[u8], ends: u64, flags: u32, call: *const Call) -> Status {
        let idle_ms = match self.facts() {
            Some(facts) => facts.idle_ms,
            None => return E_CONFIG,
        };
        let left = ends.saturating_sub(self.now()).max(1);
        let version = (*self.host).wall_ms.map_or(0, |wall_ms| wall_ms(self.host)) + 1;
        let mut record = vec![0; HEAD];
        record[..8].copy_from_slice(&ends.to_ne_bytes());
        record[16..HEAD].copy_from_slice(&version.to_le_bytes());
        record.extend_from_slice(data);
        let put = Put {
            struct_size: std::mem::size_of::<Put>() as u32,
            flags,
            value: Bytes::of(&record),
            ttl_ms: if idle_ms == 0 { left } else { idle_ms.min(left) },
            version,
            if_version: 0,
        };
        (self.store.put)(self.host, Bytes::of(&self.name), Bytes::of(id), &put, call)
    }
}

unsafe fn me<'a>(this: *mut c_void) -> &'a Sessions {
    &*(this as *const Sessions)
}

unsafe extern "C" fn create_session(this: *mut c_void, spec: *const SessionSpec, call: *const Call, out: *mut SessionId) -> Status {
    guarded(|| {
        let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let absolute_ms = match me(this).facts() {
            Some(facts) => facts.absolute_ms,
            None => return E_CONFIG,
        };
        let mut id = [0; ID_SIZE];
        if std::fs::File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut id)).is_err() {
            return E_IO;
        }
        for c in id.iter_mut() {
            *c = letters[(*c & 63) as usize];
        }
        let status = me(this).write(&id, (*spec).data.slice(), me(this).now() + absolute_ms, PUT_IF_ABSENT, call);
        if status == OK {
            (*out).size = ID_SIZE as u32;
            (&mut (*out).text)[..ID_SIZE].copy_from_slice(&id);
        }
        status
    })
}

unsafe extern "C" fn load(this: *mut c_void, id: Bytes, call: *const Call, out: *mut Value) -> Status {
    guarded(|| match me(this).read(id.slice(), call) {
        Err(status) => status,
        // A use begins the idle time anew.
        Ok((data, ends)) => match me(this).write(id.slice(), &data, ends, 0, call) {
            OK => give(out, data),
            status => status,
        },
    })
}

unsafe extern "C" fn save(this: *mut c_void, id: Bytes, data: Bytes, call: *const Call) -> Status {
    guarded(|| match me(this).read(id.slice(), call) {
        Err(status) => status,
        Ok((_, ends)) => me(this).write(id.slice(), data.slice(), ends, 0, call),
    })
}

unsafe extern "C" fn touch(this: *mut c_void, id: Bytes, call: *const Call) -> Status {
    guarded(|| match me(this).read(id.slice(), call) {
        Err(status) => status,
        Ok((data, ends)) => me(this).write(id.slice(), &data, ends, 0, call),
    })
}

unsafe extern "C" fn destroy_session(this: *mut c_void, id: Bytes, call: *const Call) -> Status {
    guarded(|| {
        if !is_id(id.slice()) {
            return MISS;
        }
        (me(this).store.remove)(me(this).host, Bytes::of(&me(this).name), id, 0, call)
    })
}

static TABLE: SessionTable = SessionTable {
    struct_size: std::mem::size_of::<SessionTable>() as u32,
    reserved: 0,
    create: create_session,
    load,
    save,
    touch,
    destroy: destroy_session,
};

unsafe extern "C" fn create(host: *const Host, config: *const c_void, out: *mut Instance, _: *mut c_void) -> Status {
    guarded(|| {
        let store = service::<SessionStoreApi>(host, b"larder.session_store/1\0");
        let (name, store) = match (instance_name(host, config), store) {
            (Some(name), Some(store)) => (name, store),
            _ => return E_UNSUPPORTED,
        };
        (*out).caps = 0;
        (*out).this = Box::into_raw(Box::new(Sessions { host, store, name })) as *mut c_void;
        (*out).vtable = &TABLE as *const SessionTable as *const c_void;
        OK
    })
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    drop(Box::from_raw(this as *mut Sessions));
}

static COMPONENT: Component = Component {
    struct_size: std::mem::size_of::<Component>() as u32,
    kind: KIND_SESSION,
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

// gateway_@NAME@ -- a line asks for NAMESPACE:KEY, a line answers with the value, or with nothing.
//
// A thread for each connection, at most so many. It listens in start, so that a taken port is an error with a reason, and in
// stop it ends the connections and joins the threads. Everything it serves comes from larder.cache/1.
mod abi;
use abi::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::raw::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

const MOST_CLIENTS: usize = 256;
const LONGEST_LINE: u64 = 64 << 10;

// The kernel's, good as long as the module, and safe for any thread.
#[derive(Clone, Copy)]
struct Cache {
    host: *const Host,
    api: &'static CacheApi,
}
unsafe impl Send for Cache {}

impl Cache {
    // The value behind NAMESPACE:KEY; empty: none.
    fn get(self, asked: &[u8]) -> Held {
        let none = Held::empty();
        let (mut ns, mut prefix) = (0, 0);
        unsafe {
            if (self.api.resolve)(self.host, Bytes::of(asked), NS_NONE, &mut ns, &mut prefix) != OK {
                return none;
            }
            let key = Bytes::of(&asked[prefix as usize..]);
            let value = Held::empty();
            let mut item = CacheGet { ns, found: 0, key, value: std::ptr::read(&value.0), ttl_ms: 0, version: 0, status: MISS, reserved: 0 };
            let mut call: Call = std::mem::zeroed();
            call.struct_size = std::mem::size_of::<Call>() as u32;
            call.role = ROLE_READ;
            call.deadline_ns = (*self.host).mono_ns.map_or(0, |mono_ns| mono_ns(self.host)) + 1_000_000_000;
            let asked = (self.api.get_many)(self.host, &mut item, 1, &call);
            if asked == OK && item.status == OK { Held(item.value) } else { none }
        }
    }
}

fn serve(cache: Cache, stream: TcpStream) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Ok(()); // the end, or a line that does not end
        }
        out.write_all(cache.get(&line).bytes())?;
        out.write_all(b"\n")?;
    }
}

struct Client {
    stream: TcpStream,
    thread: JoinHandle<()>,
}

fn accept_all(cache: Cache, listener: TcpListener, ends: Arc<AtomicBool>) {
    let mut clients: Vec<Client> = Vec::new();
    for stream in listener.incoming() {
        if ends.load(Ordering::SeqCst) {
            break;
        }
        clients.retain(|client| !client.thread.is_finished());
        let pair = stream.and_then(|stream| Ok((stream.try_clone()?, stream)));
        if let Ok((kept, stream)) = pair {
            if clients.len() < MOST_CLIENTS {
                // What comes of a connection is its client's affair.
                let thread = std::thread::spawn(move || {
                    let _ = serve(cache, stream.try_clone().unwrap_or(stream));
                });
                clients.push(Client { stream: kept, thread });
            }
        }
    }
    for client in clients {
        let _ = client.stream.shutdown(Shutdown::Both);
        let _ = client.thread.join();
    }
}

struct Runs {
    address: String,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

struct Gateway {
    cache: Cache,
    listen: String,
    runs: Mutex<Option<Runs>>,
}

unsafe fn me<'a>(this: *mut c_void) -> &'a Gateway {
    &*(this as *const Gateway)
}

unsafe extern "C" fn start(this: *mut c_void, err: *mut Errbuf) -> Status {
    guarded(|| {
        let me = me(this);
        let listening = TcpListener::bind(&me.listen).and_then(|one| Ok((one.local_addr()?.to_string(), one)));
        let (address, listener) = match listening {
            Ok(both) => both,
            Err(error) => {
                explain(err, &format!("cannot listen on {}: {}", me.listen, error));
                return E_IO;
            }
        };
        let ends = Arc::new(AtomicBool::new(false));
        let (cache, told) = (me.cache, ends.clone());
        let thread = std::thread::spawn(move || accept_all(cache, listener, told));
        *me.runs.lock().unwrap() = Some(Runs { address, ends, thread });
        OK
    })
}

unsafe extern "C" fn stop(this: *mut c_void, _: u64) -> Status {
    guarded(|| {
        if let Some(runs) = me(this).runs.lock().unwrap().take() {
            runs.ends.store(true, Ordering::SeqCst);
            // Wakes the thread that accepts.
            let _ = TcpStream::connect(&runs.address);
            let _ = runs.thread.join();
        }
        OK
    })
}

unsafe extern "C" fn address(this: *mut c_void, index: u32, buf: *mut u8, cap: u32) -> Status {
    guarded(|| match &*me(this).runs.lock().unwrap() {
        Some(runs) if index == 0 => {
            if runs.address.len() >= cap as usize {
                return E_TOO_LARGE;
            }
            std::ptr::copy_nonoverlapping(runs.address.as_ptr(), buf, runs.address.len());
            *buf.add(runs.address.len()) = 0;
            OK
        }
        _ => MISS,
    })
}

static TABLE: GatewayTable = GatewayTable { struct_size: std::mem::size_of::<GatewayTable>() as u32, reserved: 0, address };

unsafe extern "C" fn create(host: *const Host, config: *const c_void, out: *mut Instance, _: *mut c_void) -> Status {
    guarded(|| {
        let api = service::<CacheApi>(host, b"larder.cache/1\0");
        let (listen, api) = match (text(host, config, b"listen\0"), api) {
            (Some(listen), Some(api)) => (listen, api),
            _ => return E_CONFIG,
        };
        let made = Gateway { cache: Cache { host, api }, listen, runs: Mutex::new(None) };
        (*out).caps = 0;
        (*out).this = Box::into_raw(Box::new(made)) as *mut c_void;
        (*out).vtable = &TABLE as *const GatewayTable as *const c_void;
        OK
    })
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    stop(this, 0);
    drop(Box::from_raw(this as *mut Gateway));
}

static COMPONENT: Component = Component {
    struct_size: std::mem::size_of::<Component>() as u32,
    kind: KIND_GATEWAY,
    name: b"@NAME@\0".as_ptr(),
    caps: 0,
    create,
    destroy,
    start: Some(start),
    stop: Some(stop),
    reconfigure: None,
    health: None,
    extension: None,
};

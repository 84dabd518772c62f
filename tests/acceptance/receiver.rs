//! A receiver of webhooks, as somebody else would write one.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::Value;

/// A notification that arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The head of the request, in lower case.
    pub head: String,
    /// The body, byte for byte.
    pub bytes: Vec<u8>,
    /// The same as text.
    pub text: String,
    /// The same as JSON.
    pub body: Value,
}

impl Heard {
    /// The value of a header; its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// What a receiver does with a notification.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It answers with this status and body.
    Say(u16, String),
    /// It takes the request and never answers.
    Silence,
}

/// A receiver at an address of this machine that nobody else uses, so that it can go and come back.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    heard: Mutex<Vec<Heard>>,
    answer: Mutex<Answer>,
    goes: AtomicBool,
}

impl Receiver {
    /// One that says yes to everything.
    pub fn new() -> Self {
        let mut receiver = Self::offline();
        receiver.start();
        receiver
    }

    /// One that does not listen yet.
    pub fn offline() -> Self {
        static COUNT: AtomicU16 = AtomicU16::new(1);
        // All of 127.0.0.0/8 is this machine.
        let [high, low] = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let process = std::process::id().to_be_bytes()[3] | 1;
        let ip = Ipv4Addr::new(127, process, high, low);
        let free = TcpListener::bind((ip, 0)).unwrap();
        let shared = Shared {
            heard: Mutex::default(),
            answer: Mutex::new(Answer::Say(200, String::new())),
            goes: AtomicBool::new(false),
        };
        Self { address: free.local_addr().unwrap(), shared: Arc::new(shared), listening: None }
    }

    /// Begins to listen.
    pub fn start(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        let shared = Arc::clone(&self.shared);
        shared.goes.store(false, Ordering::SeqCst);
        self.listening = Some(thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.goes.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // Who is silent to one still listens to others.
                thread::spawn(move || stream.map(|stream| shared.take(stream)));
            }
        }));
    }

    /// Where it is, or would be.
    pub fn url(&self) -> String {
        format!("http://{}/hooks/ops", self.address)
    }

    /// What it does from now on.
    pub fn answers(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap() = answer;
    }

    /// All that it heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.take() {
            self.shared.goes.store(true, Ordering::SeqCst);
            // Wakes it.
            drop(TcpStream::connect(self.address));
            drop(listening.join());
        }
    }
}

impl Shared {
    fn take(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let Some(heard) = read(&mut reader) else {
            return;
        };
        self.heard.lock().unwrap().push(heard);
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Answer::Say(status, body) => {
                let size = body.len();
                let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n");
                let _ = stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice());
            }
            // Until the other side has had enough.
            Answer::Silence => drop(reader.read_to_end(&mut Vec::new())),
        }
    }
}

/// Reads one request; nothing if it is none, such as a connection that only wakes.
fn read(reader: &mut BufReader<TcpStream>) -> Option<Heard> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let head = head.to_lowercase();
    let size = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut bytes = vec![0; size.trim().parse().ok()?];
    reader.read_exact(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Some(Heard { body: serde_json::from_str(&text).unwrap_or_default(), bytes, text, head })
}

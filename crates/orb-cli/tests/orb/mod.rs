//! Runs the program as a person or script would, with a time limit and without this process's settings.

#![allow(dead_code)] // each test file uses its part

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Longest any run may take. Generous: the machine may be busy with other tests.
const RUN_MAX: Duration = Duration::from_secs(120);

/// What a run left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The last line of standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{}", self.err))
    }
}

/// The program with these arguments, no `ORB_…` variables, nothing on standard input.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orb"));
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ORB_"))
    {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs to the end.
pub(crate) fn orb(arguments: &[&str]) -> Ran {
    end(command(arguments).spawn().unwrap())
}

/// Runs to the end in a folder.
pub(crate) fn orb_in(folder: &Path, arguments: &[&str]) -> Ran {
    end(command(arguments).current_dir(folder).spawn().unwrap())
}

/// Runs to the end with this on standard input.
pub(crate) fn orb_with_input(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    end(child)
}

/// Waits for a run's end; one that takes too long is killed and fails the test.
pub(crate) fn end(mut child: Child) -> Ran {
    let read = |stream: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut stream) = stream {
                stream.read_to_end(&mut text).unwrap();
            }
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let out = read(child.stdout.take().map(|stream| Box::new(stream) as _));
    let err = read(child.stderr.take().map(|stream| Box::new(stream) as _));
    let id = child.id();
    let (send, ended) = sync_channel(1);
    thread::spawn(move || send.send(child.wait().unwrap()));
    let Ok(status) = ended.recv_timeout(RUN_MAX) else {
        signal(id, "KILL");
        panic!(
            "took longer than {RUN_MAX:?}:\n{}\n{}",
            out.join().unwrap(),
            err.join().unwrap()
        );
    };
    // A run that a signal ended has no code.
    Ran {
        code: status.code().unwrap_or(-1),
        out: out.join().unwrap(),
        err: err.join().unwrap(),
    }
}

/// Sends a signal to one process of ours.
pub(crate) fn signal(id: u32, name: &str) {
    let sent = Command::new("kill")
        .args([&format!("-{name}"), &id.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// A synthetic web served by a process of its own; ends with this value.
pub(crate) struct Web {
    child: Child,
    pub(crate) served: Value,
}

impl Web {
    /// Serves a web; its seeds and certificate go to `folder`/web.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Web {
        let mut child = command(&[
            "simweb",
            "--json",
            "--until-stdin-ends",
            "--http-port",
            "0",
            "--https-port",
            "0",
        ])
        .args(["--dns", "127.0.0.1:0", "--out", "web"])
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let served = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Web { child, served }
    }

    /// The arguments that let a crawl reach it, and a crawl's pauses short.
    pub(crate) fn reach(&self) -> Vec<String> {
        let text = |name: &str| self.served[name].as_str().unwrap().to_owned();
        let mut reach = vec![
            "--dns".into(),
            text("dns"),
            "--allow-net".into(),
            text("range"),
        ];
        reach.extend(["--ca".into(), text("ca")]);
        for set in [
            "politeness.site_delay=20ms",
            "politeness.address_delay=2ms",
            "politeness.site_delay_factor=0",
        ] {
            reach.extend(["--set".into(), set.into()]);
        }
        reach
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

//! A private RabbitMQ node.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::home::{Failure, Home, Process, blocking, until, with_fresh_ports};
use crate::{http, ports};

const USER: &str = "dialogpost";
/// As awkward as a real one: two of its characters must be encoded in a URL.
const PASSWORD: &str = "t3st/only@5672";

/// A RabbitMQ node of our own with its own ports, name, cookie and epmd. It ends, and its data goes, with the last
/// clone of this handle.
#[derive(Clone, Debug)]
pub struct Rabbit {
    node: Arc<Node>,
}

/// Fields drop in this order: the home's watchdog kills what runs, then the processes are waited for.
#[derive(Debug)]
struct Node {
    home: Home,
    broker: Mutex<Option<Process>>,
    epmd: Mutex<Option<Process>>,
    name: String,
    amqp: u16,
    management: u16,
}

impl Rabbit {
    /// Starts a node with the management API and AMQP 1.0.
    ///
    /// # Panics
    /// When the node does not start; the message holds the end of its log, or the line that installs it.
    pub async fn private() -> Self {
        blocking(Self::launch).await
    }

    pub(crate) fn launch() -> Self {
        with_fresh_ports(|| {
            let [amqp, management, distribution, epmd] = ports::free();
            let name = format!("dp{:08x}@localhost", rand::random::<u32>());
            let home = Home::create("rabbitmq.sh");
            home.write_settings(&format!(
                "NODE={name}\nAMQP_PORT={amqp}\nMANAGEMENT_PORT={management}\nDIST_PORT={distribution}\n\
                 EPMD_PORT={epmd}\nAMQP_USER={USER}\nAMQP_PASSWORD='{PASSWORD}'\n"
            ));
            home.run("init", &[]).map_err(Failure::lasting)?;
            let node = Node { home, broker: Mutex::new(None), epmd: Mutex::new(None), name, amqp, management };
            node.start()?;
            Ok(Self { node: Arc::new(node) })
        })
    }

    /// The connection URL of a virtual host.
    pub fn url(&self, vhost: &str) -> String {
        let (password, vhost) = (http::encode(PASSWORD), http::encode(vhost));
        format!("amqp://{USER}:{password}@127.0.0.1:{}/{vhost}", self.node.amqp)
    }

    /// The AMQP port, the same for the node's whole life.
    pub fn port(&self) -> u16 {
        self.node.amqp
    }

    /// The port of the management API.
    pub fn management_port(&self) -> u16 {
        self.node.management
    }

    /// The user that may do everything, and its password.
    pub fn credentials(&self) -> (&'static str, &'static str) {
        (USER, PASSWORD)
    }

    /// The directory that holds the node's data and logs.
    pub fn directory(&self) -> &Path {
        self.node.home.path()
    }

    /// The process ids of broker and epmd, as far as they run.
    pub fn pids(&self) -> Vec<u32> {
        [lock(&self.node.broker), lock(&self.node.epmd)].iter().filter_map(|it| it.as_ref().map(Process::pid)).collect()
    }

    /// Creates a virtual host and returns its connection URL.
    pub async fn new_vhost(&self) -> String {
        let vhost = crate::world::fresh_name();
        self.create_vhost(&vhost).await;
        self.url(&vhost)
    }

    /// Creates a virtual host.
    pub async fn create_vhost(&self, vhost: &str) {
        let (status, _) = self.management("PUT", &format!("/api/vhosts/{}", http::encode(vhost)), "").await;
        if !matches!(status, 201 | 204) {
            // The tool takes ten times as long but needs no listener.
            self.ctl(&["add_vhost", vhost]).await;
            self.ctl(&["set_permissions", "-p", vhost, USER, ".*", ".*", ".*"]).await;
        }
    }

    /// Removes a virtual host and all it holds, on a best-effort basis.
    pub(crate) fn delete_vhost(&self, vhost: &str) {
        let _ = self.node.request("DELETE", &format!("/api/vhosts/{}", http::encode(vhost)), "");
    }

    /// One request to the management API: the status (0 when there is no answer) and the body. Statistics are off:
    /// it knows names and arguments, not counts; for these ask [`Rabbit::ctl`].
    pub async fn management(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let node = Arc::clone(&self.node);
        let (method, path, body) = (method.to_owned(), path.to_owned(), body.to_owned());
        blocking(move || node.request(&method, &path, &body)).await
    }

    /// Runs `rabbitmqctl` against the node and returns what it printed.
    ///
    /// # Panics
    /// When the tool fails.
    pub async fn ctl(&self, arguments: &[&str]) -> String {
        let node = Arc::clone(&self.node);
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            node.home.run("ctl", &arguments).unwrap_or_else(|error| panic!("rabbitmqctl {error}"))
        })
        .await
    }

    /// Closes every client's connection, as an administrator would.
    pub async fn close_all_connections(&self) {
        self.ctl(&["close_all_connections", "--global", "closed by a test"]).await;
    }

    /// Stops the broker in an orderly way. Clients are cut off within milliseconds; a 3.10 broker takes another 6 s, a 4.0 one 1 s.
    pub async fn stop(&self) {
        self.end(|broker| {
            // A paused broker would not hear of it.
            broker.signal("CONT");
            broker.signal("TERM");
        })
        .await;
    }

    /// Kills the broker without warning.
    pub async fn kill(&self) {
        self.end(|broker| broker.signal_group("KILL")).await;
    }

    /// Starts the broker again, on its ports and data; nothing happens when it runs.
    pub async fn start(&self) {
        let node = Arc::clone(&self.node);
        blocking(move || node.start().unwrap_or_else(|failure| panic!("{}", failure.message()))).await;
    }

    /// Freezes the broker: connections stay open and nothing answers.
    pub async fn pause(&self) {
        self.signal("STOP").await;
    }

    /// Lets a paused broker go on.
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &'static str) {
        let node = Arc::clone(&self.node);
        blocking(move || match lock(&node.broker).as_ref() {
            Some(broker) => broker.signal_group(name),
            None => panic!("cannot send SIG{name}: the broker is stopped"),
        })
        .await;
    }

    async fn end(&self, tell: impl FnOnce(&Process) + Send + 'static) {
        let node = Arc::clone(&self.node);
        blocking(move || {
            if let Some(broker) = lock(&node.broker).take() {
                tell(&broker);
                broker.wait("rabbitmq");
                let _ = fs::remove_file(node.home.path().join("rabbitmq.pid"));
            }
        })
        .await;
    }
}

impl Node {
    fn start(&self) -> Result<(), Failure> {
        let mut running = lock(&self.broker);
        if running.is_some() {
            return Ok(());
        }
        self.start_epmd()?;
        let broker = self.home.start("server").map_err(Failure::lasting)?;
        let mut ended = None;
        let ready = until(Duration::from_secs(90), || {
            ended = broker.ended();
            ended.is_some() || self.is_ready()
        });
        let log = || self.home.log_tail("server");
        match ended {
            Some(status) => Err(Failure::ended("rabbitmq", status, &log())),
            None if !ready => Err(Failure::lasting(format!("rabbitmq was not ready after 90 s\n{}", log()))),
            None => {
                *running = Some(broker);
                Ok(())
            }
        }
    }

    /// The broker would start an epmd by itself, but as a daemon that nobody could end.
    fn start_epmd(&self) -> Result<(), Failure> {
        let mut running = lock(&self.epmd);
        if running.as_ref().is_none_or(|epmd| epmd.ended().is_some()) {
            *running = Some(self.home.start("epmd").map_err(Failure::lasting)?);
        }
        Ok(())
    }

    /// Whether this very node, not another one that took its port, serves management and AMQP.
    fn is_ready(&self) -> bool {
        let (status, overview) = self.request("GET", "/api/overview", "");
        let overview: serde_json::Value = serde_json::from_str(&overview).unwrap_or_default();
        let listens = format!("/api/health/checks/port-listener/{}", self.amqp);
        status == 200
            && overview.get("node").and_then(serde_json::Value::as_str) == Some(self.name.as_str())
            && self.request("GET", &listens, "").0 == 200
    }

    fn request(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        http::request(self.management, (USER, PASSWORD), method, path, body).unwrap_or_default()
    }
}

fn lock(process: &Mutex<Option<Process>>) -> MutexGuard<'_, Option<Process>> {
    process.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A private RabbitMQ node as a child process, gone with its handle.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

const BIN: &str = "/usr/lib/rabbitmq/bin";

pub struct Rabbit {
    dir: PathBuf,
    port: u16,
    epmd: u16,
    env: Vec<(&'static str, String)>,
    group: Mutex<Option<u32>>,
}

impl Rabbit {
    pub async fn private() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let tag = format!("dp{}x{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(&tag);
        std::fs::create_dir_all(&dir).unwrap();
        let at = |name: &str| dir.join(name).display().to_string();
        std::fs::write(at("plugins"), "[rabbitmq_amqp1_0].").unwrap();
        std::fs::write(at("rabbitmq.conf"), "loopback_users = none\nlog.file.level = warning\n").unwrap();
        let (port, dist, epmd) = (free_port(), free_port(), free_port());
        let env = vec![
            ("RABBITMQ_NODENAME", format!("{tag}@localhost")),
            ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
            ("RABBITMQ_NODE_PORT", port.to_string()),
            ("RABBITMQ_DIST_PORT", dist.to_string()),
            ("ERL_EPMD_PORT", epmd.to_string()),
            ("RABBITMQ_MNESIA_BASE", at("mnesia")),
            ("RABBITMQ_LOG_BASE", at("log")),
            ("RABBITMQ_CONFIG_FILE", at("rabbitmq.conf")),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", at("plugins")),
            ("RABBITMQ_CONF_ENV_FILE", "/dev/null".to_owned()),
            ("HOME", at("")),
        ];
        let rabbit = Self { dir, port, epmd, env, group: Mutex::new(None) };
        rabbit.start().await;
        rabbit
    }

    pub fn url(&self, vhost: &str) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/{vhost}", self.port)
    }

    pub async fn new_vhost(&self) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let vhost = format!("v{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.ctl(&["add_vhost", &vhost]).await;
        self.ctl(&["set_permissions", "-p", &vhost, "guest", ".*", ".*", ".*"]).await;
        self.url(&vhost)
    }

    pub async fn start(&self) {
        use std::os::unix::process::CommandExt;
        let log = std::fs::File::create(self.dir.join("out")).unwrap();
        let mut command = Command::new(format!("{BIN}/rabbitmq-server"));
        command.envs(self.env.clone()).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        *self.group.lock().unwrap() = Some(command.spawn().unwrap().id());
        for _ in 0..300 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                self.ctl(&["await_startup"]).await;
                return;
            }
        }
        panic!("no broker: {}", std::fs::read_to_string(self.dir.join("out")).unwrap());
    }

    pub async fn stop(&self) {
        self.ctl(&["stop"]).await;
        for _ in 0..100 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        self.kill();
    }

    pub async fn ctl(&self, args: &[&str]) -> String {
        let mut command = tokio::process::Command::new(format!("{BIN}/rabbitmqctl"));
        let output = command.args(["-q"]).args(args).envs(self.env.clone()).stdin(Stdio::null()).output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{args:?}: {} {}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    fn kill(&self) {
        if let Some(group) = self.group.lock().unwrap().take() {
            let _ = Command::new("kill").args(["-9", "--", &format!("-{group}")]).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        self.kill();
        let _ = Command::new("epmd")
            .args(["-port", &self.epmd.to_string(), "-kill"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Below the ephemeral range: a reconnecting client must not sit on the port when the broker wants it back (trap T2).
fn free_port() -> u16 {
    loop {
        let port = rand::random_range(21_000..32_000);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

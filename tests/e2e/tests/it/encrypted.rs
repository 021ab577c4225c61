//! TLS to broker and database, by certificates made on the spot: everything the fleet says is encrypted, and nobody is trusted who is not
//! vouched for.

use e2e::{Fleet, PATIENCE, WORKERS};
use helsenorge::{HelseNorge, Message};
use pki::Pki;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use testbed::{Ran, World};

/// As it is called in certificates.
const HOST: &str = "localhost";

/// A server's certificate and key, where the server reads them.
struct Certified {
    directory: PathBuf,
}

impl Certified {
    /// Beside `data`, of whoever owns that.
    fn write(pki: &Pki, serial: u64, data: &Path) -> Self {
        let directory = data.join("tls");
        let identity = pki.server(HOST, serial);
        let owner = fs::metadata(data).unwrap();
        fs::create_dir(&directory).unwrap();
        for (name, content) in
            [("root.pem", pki.root.identity().pem()), ("server.pem", identity.pem()), ("server.key", identity.key_pem())]
        {
            let path = directory.join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        chown(&directory, Some(owner.uid()), Some(owner.gid())).unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).display().to_string()
    }
}

async fn postgres_speaks_tls(world: &World, pki: &Pki) {
    let certified = Certified::write(pki, 0x5e1, &world.postgres().directory().join("data"));
    for (setting, value) in
        [("ssl_cert_file", certified.path("server.pem")), ("ssl_key_file", certified.path("server.key")), ("ssl", "on".into())]
    {
        world.execute(&format!("alter system set {setting} = '{value}'")).await;
    }
    // A restart, since what it says of itself must hold from its first moment.
    world.postgres().stop().await;
    world.postgres().start().await;
}

async fn rabbitmq_speaks_tls(world: &World, pki: &Pki) -> u16 {
    let directory = world.rabbit().directory();
    let certified = Certified::write(pki, 0x5e2, directory);
    let port: u16 = rand::random_range(21_000..32_000);
    let configuration = directory.join("rabbitmq.conf");
    let plain = fs::read_to_string(&configuration).unwrap();
    let encrypted = format!(
        "{plain}listeners.ssl.default = 127.0.0.1:{port}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\n\
         ssl_options.keyfile = {}\nssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n",
        certified.path("root.pem"),
        certified.path("server.pem"),
        certified.path("server.key")
    );
    fs::write(&configuration, encrypted).unwrap();
    world.rabbit().stop().await;
    world.rabbit().start().await;
    port
}

/// Addresses of the servers that are reached by TLS alone.
fn addresses(world: &World, amqps: u16) -> (String, String) {
    let database = world.database_url.replace("127.0.0.1", HOST) + "?sslmode=require";
    let plain = format!("127.0.0.1:{}", world.rabbit().port());
    (database, world.amqp_url.replace("amqp://", "amqps://").replace(&plain, &format!("{HOST}:{amqps}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn o4_everything_said_to_broker_and_database_is_encrypted() {
    let mut world = testbed::private_world(false).await;
    let pki = Pki::new(runtime::clock::system(), "http://crl.test", 2048);
    postgres_speaks_tls(&world, &pki).await;
    let amqps = rabbitmq_speaks_tls(&world, &pki).await;
    let (database, amqp) = addresses(&world, amqps);
    // The test's own connections: unasked, a server that can encrypt is asked to.
    world.database_url += "?sslmode=disable";
    let root = world.rabbit().directory().join("tls/root.pem").display().to_string();
    let fleet = Fleet::in_world(world).await;
    nobody_is_trusted_unless_told(&fleet, &database, &amqp).await;

    let secured = [("DATABASE_URL", database.as_str()), ("AMQP_URL", &amqp), ("EXTRA_ROOTS", &root)];
    for arguments in [&["migrate"][..], &["topology", "apply"], &["ledger"]] {
        run(&fleet, &secured, arguments).await.code(0);
    }
    let program = fleet.spawn("dialogpost", &["run", "--all"], &secured).await;
    let helsenorge = HelseNorge::connect(&fleet.world.amqp_url, e2e::NHN_EXCHANGE).await.unwrap();
    helsenorge.send_all(&[Message::ekonsultasjon(), Message::reseptfornyelse()]).await.unwrap();
    fleet.settle(2).await;
    helsenorge.receipts(2, PATIENCE).await.unwrap();
    let sessions =
        "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'dialogpost' and ssl";
    let plain =
        "select count(*) from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'dialogpost' and not ssl";
    assert!(fleet.rows.one::<i64>(sessions).await > 0);
    assert_eq!(fleet.rows.one::<i64>(plain).await, 0);
    assert!(connections(&fleet, "true").await >= WORKERS.len());
    assert_eq!(connections(&fleet, "false").await, 0);
    assert!(program.terminate().await.0.success());
}

/// Without the authority everything is refused, and the operator is told where to look.
async fn nobody_is_trusted_unless_told(fleet: &Fleet, database: &str, amqp: &str) {
    let unknown = [("DATABASE_URL", database), ("AMQP_URL", amqp)];
    run(fleet, &unknown, &["ledger"]).await.code(2).says(&["The database cannot be trusted", "EXTRA_ROOTS"]);
    run(fleet, &unknown, &["topology", "apply"]).await.code(2).says(&["certificate", "EXTRA_ROOTS"]);
}

async fn run(fleet: &Fleet, environment: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = fleet.command("dialogpost").await;
    command.args(arguments).envs(environment.iter().copied());
    command.output().await.unwrap().into()
}

/// Connections of the fleet to the broker that are encrypted, or are not; the test's own bear no name of a worker.
async fn connections(fleet: &Fleet, encrypted: &str) -> usize {
    let listed = fleet.world.rabbit().ctl(&["list_connections", "ssl", "client_properties"]).await;
    let of_worker = |line: &&str| WORKERS.iter().any(|worker| line.contains(&format!("\"{}/", worker.name)));
    listed.lines().filter(|line| line.starts_with(encrypted)).filter(of_worker).count()
}

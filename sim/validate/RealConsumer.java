import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.StringJoiner;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/**
 * A consumer for `sim validate`: what it reads and writes is said in sim/validate/fleet.py.
 *
 * Arguments: the file to write, the file of the work of each message, the topic, then key=value of
 * the client's configuration, in which {member} stands for the number of the member. Keys that
 * begin with "lab." are this program's: lab.share, lab.commit (after or before, sync or async,
 * batch or record, with dots between), lab.attempts (-1: without end), lab.backoff.ms,
 * lab.then (skip, stop).
 *
 * SIGTERM: it finishes what the last poll returned, and closes.
 */
public class RealConsumer {
    /**
     * How long a poll waits for records. Under KIP-848 an assignment is taken between two polls, so
     * that it waits as long too; the lab has no such wait.
     */
    static final Duration IDLE = Duration.ofMillis(20);

    static final long SIZE = 64L << 20;
    static volatile boolean stop;
    static volatile double factor = 1.0;
    static MappedByteBuffer out;
    static int[] workUs, fails, kills;
    static final Map<Integer, Integer> failed = new HashMap<>();

    static double now() {
        Instant i = Instant.now();
        return i.getEpochSecond() + i.getNano() / 1e9;
    }

    /** Into memory that the file is mapped to: it costs no call, and outlives SIGKILL. */
    static synchronized void say(String line) {
        out.put((line + "\n").getBytes(StandardCharsets.US_ASCII));
    }

    static String at(double t) {
        return String.format(Locale.ROOT, "%.6f", t);
    }

    static void work(int message) {
        long end = System.nanoTime() + (long) (workUs[message] * 1000.0 * factor);
        long left;
        while ((left = end - System.nanoTime()) > 0) LockSupport.parkNanos(left);
    }

    /** True: it has succeeded. */
    static boolean process(int message, int partition, long offset, int deliveries) {
        double started = now();
        work(message);
        int before = failed.getOrDefault(message, 0);
        if (kills[message] > 0) {
            say("f " + message + " " + at(now()));
            ProcessHandle.current().destroyForcibly();
            try {
                new ProcessBuilder("kill", "-9", "" + ProcessHandle.current().pid()).start().waitFor();
            } catch (Exception e) {
                Runtime.getRuntime().halt(137);
            }
        }
        if (before < fails[message]) {
            failed.put(message, before + 1);
            say("f " + message + " " + at(now()));
            return false;
        }
        say("r " + message + " " + at(started) + " " + at(now()) + " " + deliveries + " " + partition
            + " " + offset);
        return true;
    }

    static int number(byte[] value) {
        int n = 0;
        for (byte b : value) {
            if (b < '0' || b > '9') break;
            n = 10 * n + b - '0';
        }
        return n;
    }

    public static void main(String[] args) throws Exception {
        try (RandomAccessFile file = new RandomAccessFile(args[0], "rw")) {
            file.setLength(0);
            out = file.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, SIZE);
        }
        List<String> lines = Files.readAllLines(Path.of(args[1]));
        workUs = new int[lines.size()];
        fails = new int[lines.size()];
        kills = new int[lines.size()];
        for (String line : lines) {
            String[] w = line.split(" ");
            int i = Integer.parseInt(w[0]);
            workUs[i] = Integer.parseInt(w[1]);
            fails[i] = Integer.parseInt(w[2]);
            kills[i] = Integer.parseInt(w[3]);
        }
        Properties given = new Properties();
        for (int i = 3; i < args.length; i++) {
            int eq = args[i].indexOf('=');
            given.put(args[i].substring(0, eq), args[i].substring(eq + 1));
        }
        String bytes = "org.apache.kafka.common.serialization.ByteArrayDeserializer";
        given.put("key.deserializer", bytes);
        given.put("value.deserializer", bytes);
        boolean share = "true".equals(given.remove("lab.share"));
        if (!share) given.put("interceptor.classes", Commits.class.getName());
        warm(given, share, args[2]);
        // A client that is the same for every member is made before its time: to make one takes long.
        boolean same = !share && !given.values().toString().contains("{member}");
        KafkaConsumer<byte[], byte[]> made = same ? new KafkaConsumer<>(clients(given)) : null;
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        say("w " + at(now()));
        String go = in.readLine();
        if (go == null) return;
        String member = go.split(" ")[1];
        Properties p = new Properties();
        for (String key : given.stringPropertyNames()) {
            p.put(key, given.getProperty(key).replace("{member}", member));
        }
        Thread ear = new Thread(() -> {
            try {
                for (String line; (line = in.readLine()) != null; )
                    if (line.startsWith("slow ")) factor = Double.parseDouble(line.substring(5));
            } catch (Exception e) {
                say("e " + at(now()) + " " + e);
            }
        });
        ear.setDaemon(true);
        ear.start();
        Thread main = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stop = true;
            try {
                main.join(20000);
            } catch (InterruptedException e) {
                return;
            }
        }));
        if (share) share(p, args[2]);
        else consume(p, made == null ? new KafkaConsumer<>(clients(p)) : made, args[2]);
        say("x " + at(now()));
    }

    /** Load what a client loads, so that the first poll after the start takes no longer. */
    static void warm(Properties given, boolean share, String topic) {
        Properties p = new Properties();
        for (String key : given.stringPropertyNames()) {
            if (!key.startsWith("lab.") && !key.equals("group.instance.id")) {
                p.put(key, given.getProperty(key).replace("{member}", "warm"));
            }
        }
        p.put("group.id", given.getProperty("group.id") + "-warm");
        if (share) {
            try (KafkaShareConsumer<byte[], byte[]> c = new KafkaShareConsumer<>(p)) {
                c.subscribe(List.of(topic + "-warm"));
                c.poll(Duration.ofMillis(100));
            }
            return;
        }
        try (KafkaConsumer<byte[], byte[]> c = new KafkaConsumer<>(p)) {
            c.subscribe(List.of(topic));
            c.poll(Duration.ofMillis(300));
        }
    }

    /** The keys that are the client's. */
    static Properties clients(Properties given) {
        Properties p = new Properties();
        for (String key : given.stringPropertyNames()) {
            if (!key.startsWith("lab.")) p.put(key, given.getProperty(key));
        }
        return p;
    }

    static void consume(Properties p, KafkaConsumer<byte[], byte[]> made, String topic) throws Exception {
        String[] commit = ((String) p.getOrDefault("lab.commit", "")).split("\\.");
        int attempts = Integer.parseInt((String) p.getOrDefault("lab.attempts", "-1"));
        long backoff = Long.parseLong((String) p.getOrDefault("lab.backoff.ms", "1000"));
        String then = (String) p.getOrDefault("lab.then", "skip");
        try (KafkaConsumer<byte[], byte[]> c = made) {
            c.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                void tell(String what, Collection<TopicPartition> of) {
                    StringJoiner s = new StringJoiner(",");
                    for (TopicPartition x : of) s.add("" + x.partition());
                    say("e " + at(now()) + " " + what + " " + (s.length() == 0 ? "none" : s));
                }

                public void onPartitionsRevoked(Collection<TopicPartition> x) {
                    tell("-", x);
                }

                public void onPartitionsAssigned(Collection<TopicPartition> x) {
                    tell("+", x);
                }

                public void onPartitionsLost(Collection<TopicPartition> x) {
                    tell("!", x);
                }
            });
            say("e " + at(now()) + " subscribed");
            listen(c);
            while (!stop) {
                ConsumerRecords<byte[], byte[]> polled = c.poll(IDLE);
                if (polled.isEmpty()) continue;
                if (commit[0].equals("before")) commit(c, commit, null);
                if (!batch(c, polled, commit, attempts, backoff, then)) break;
            }
        }
    }

    /** Writes down when commits are done. */
    public static class Commits implements ConsumerInterceptor<byte[], byte[]> {
        public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
            return records;
        }

        public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {
            if (!offsets.isEmpty()) say("e " + at(now()) + " commit");
        }

        public void close() {}

        public void configure(Map<String, ?> configs) {}
    }

    /** Write down when heartbeats are answered, by the client's own count of them. */
    static void listen(KafkaConsumer<byte[], byte[]> c) {
        Thread ear = new Thread(() -> {
            double before = 0;
            while (!stop) {
                LockSupport.parkNanos(5_000_000);
                for (Map.Entry<MetricName, ? extends Metric> m : c.metrics().entrySet()) {
                    if (!m.getKey().name().equals("heartbeat-total")) continue;
                    double total = ((Number) m.getValue().metricValue()).doubleValue();
                    if (total > before) say("e " + at(now()) + " heartbeat");
                    before = total;
                }
            }
        });
        ear.setDaemon(true);
        ear.start();
    }

    /** False: the consumer is to end. */
    static boolean batch(KafkaConsumer<byte[], byte[]> c, ConsumerRecords<byte[], byte[]> polled,
                         String[] commit, int attempts, long backoff, String then) throws Exception {
        for (TopicPartition of : polled.partitions()) {
            for (ConsumerRecord<byte[], byte[]> r : polled.records(of)) {
                int message = number(r.value());
                if (!process(message, r.partition(), r.offset(), 1)) {
                    if (attempts < 0 || failed.get(message) < attempts) {
                        // The rest of the batch comes again, as does this record.
                        boolean found = false;
                        for (TopicPartition p : polled.partitions()) {
                            if (p.equals(of)) found = true;
                            if (found && c.assignment().contains(p)) {
                                c.seek(p, p.equals(of) ? r.offset() : polled.records(p).get(0).offset());
                            }
                        }
                        Thread.sleep(backoff);
                        return true;
                    }
                    if (then.equals("stop")) return false;
                    say("e " + at(now()) + " " + then + " " + message);
                }
                if (commit[0].equals("after") && commit[2].equals("record")) commit(c, commit, r);
            }
        }
        if (commit[0].equals("after") && commit[2].equals("batch")) commit(c, commit, null);
        return true;
    }

    static void commit(KafkaConsumer<byte[], byte[]> c, String[] how, ConsumerRecord<byte[], byte[]> up) {
        try {
            if (up == null && how[1].equals("sync")) c.commitSync();
            else if (up == null) c.commitAsync();
            else {
                Map<TopicPartition, OffsetAndMetadata> to = Map.of(
                    new TopicPartition(up.topic(), up.partition()), new OffsetAndMetadata(up.offset() + 1));
                if (how[1].equals("sync")) c.commitSync(to);
                else c.commitAsync(to, null);
            }
        } catch (org.apache.kafka.common.KafkaException e) {
            say("e " + at(now()) + " commit: " + e.getClass().getSimpleName());
        }
    }

    static void share(Properties p, String topic) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", p.get("bootstrap.servers")))) {
            ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, (String) p.get("group.id"));
            admin.incrementalAlterConfigs(Map.of(group, List.of(new AlterConfigOp(
                new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET)))).all().get();
        }
        List<String> own = new ArrayList<>();
        for (String key : p.stringPropertyNames()) if (key.startsWith("lab.")) own.add(key);
        own.forEach(p::remove);
        try (KafkaShareConsumer<byte[], byte[]> c = new KafkaShareConsumer<>(p)) {
            c.subscribe(List.of(topic));
            say("e " + at(now()) + " subscribed");
            while (!stop) {
                for (ConsumerRecord<byte[], byte[]> r : c.poll(IDLE)) {
                    boolean done = process(number(r.value()), r.partition(), r.offset(),
                        r.deliveryCount().orElse((short) 1));
                    if ("explicit".equals(p.get("share.acknowledgement.mode"))) {
                        c.acknowledge(r, done ? AcknowledgeType.ACCEPT : AcknowledgeType.RELEASE);
                    }
                }
            }
        }
    }
}

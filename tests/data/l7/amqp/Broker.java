import org.apache.activemq.broker.BrokerService;

/** A broker that speaks AMQP 1.0 on the port of its first argument. */
public final class Broker {
    private Broker() {}

    public static void main(String[] args) throws Exception {
        BrokerService broker = new BrokerService();
        broker.setPersistent(false);
        broker.setUseJmx(false);
        broker.setAdvisorySupport(false);
        broker.addConnector("amqp://127.0.0.1:" + args[0]);
        broker.start();
        broker.waitUntilStopped();
    }
}

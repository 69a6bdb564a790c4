import java.util.List;
import javax.jms.*;
import org.apache.activemq.ActiveMQConnectionFactory;
import org.apache.activemq.broker.BrokerPlugin;
import org.apache.activemq.broker.BrokerService;
import org.apache.activemq.security.AuthenticationUser;
import org.apache.activemq.security.SimpleAuthenticationPlugin;

/** A broker, and a client that sends, receives and is refused; the second argument says how they write. */
public final class Calls {
    private Calls() {}

    public static void main(String[] args) throws Exception {
        BrokerService broker = new BrokerService();
        broker.setPersistent(false);
        broker.setUseJmx(false);
        broker.setAdvisorySupport(false);
        var users = List.of(new AuthenticationUser("ann", "secret", "all"));
        broker.setPlugins(new BrokerPlugin[] {new SimpleAuthenticationPlugin(users)});
        broker.addConnector("tcp://127.0.0.1:" + args[0]);
        broker.start();
        broker.waitUntilStarted();
        String url = "tcp://127.0.0.1:" + args[0] + "?jms.watchTopicAdvisories=false" + args[1];
        Connection refused = new ActiveMQConnectionFactory(url).createConnection("ann", "wrong");
        try {
            refused.start();
        } catch (JMSException expected) {
            System.err.println(expected);
        }
        refused.close();
        Connection connection = new ActiveMQConnectionFactory(url).createConnection("ann", "secret");
        connection.setClientID("shop");
        connection.start();
        Session session = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
        Queue orders = session.createQueue("ORDERS");
        MessageProducer producer = session.createProducer(orders);
        TextMessage first = session.createTextMessage("first");
        first.setStringProperty("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        first.setJMSCorrelationID("c-1");
        producer.send(first);
        producer.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
        producer.send(session.createTextMessage("second".repeat(1000)));
        BytesMessage bytes = session.createBytesMessage();
        bytes.writeBytes(new byte[12000]);
        producer.send(bytes);
        MessageConsumer consumer = session.createConsumer(orders);
        for (int number = 0; number < 3; number++) consumer.receive(5000);
        consumer.close();
        MessageConsumer prices = session.createDurableSubscriber(session.createTopic("PRICES"), "ticker", "kind = 'gold'", false);
        prices.receive(100);
        prices.close();
        try {
            session.createConsumer(orders, "kind = = 'gold'");
        } catch (JMSException expected) {
            System.err.println(expected);
        }
        try {
            session.unsubscribe("nobody");
        } catch (JMSException expected) {
            System.err.println(expected);
        }
        Session transacted = connection.createSession(true, Session.SESSION_TRANSACTED);
        transacted.createProducer(transacted.createTemporaryQueue()).send(transacted.createMapMessage());
        transacted.commit();
        connection.close();
        broker.stop();
        System.exit(0);
    }
}

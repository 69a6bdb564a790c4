import org.apache.rocketmq.broker.BrokerController;
import org.apache.rocketmq.client.consumer.*;
import org.apache.rocketmq.client.consumer.listener.*;
import org.apache.rocketmq.client.producer.*;
import org.apache.rocketmq.common.*;
import org.apache.rocketmq.common.message.*;
import org.apache.rocketmq.common.namesrv.NamesrvConfig;
import org.apache.rocketmq.namesrv.NamesrvController;
import org.apache.rocketmq.remoting.netty.*;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.store.config.MessageStoreConfig;
import java.util.*;

/** A name server, a broker, and the producer and consumer whose packets are recorded. */
public class Calls {
    public static void main(String[] args) throws Exception {
        int names = Integer.parseInt(args[0]), port = Integer.parseInt(args[1]); String store = args[2];
        // Programs that start a broker do this; without it name servers take it for one of old, and do not read its topics.
        System.setProperty(RemotingCommand.REMOTING_VERSION_KEY, Integer.toString(MQVersion.CURRENT_VERSION));
        System.setProperty("rocketmq.namesrv.addr", "127.0.0.1:" + names);
        System.setProperty("rocketmq.client.logRoot", store);
        System.setProperty("com.rocketmq.sendMessageWithVIPChannel", "false");
        NettyServerConfig ns = new NettyServerConfig(); ns.setListenPort(names);
        NamesrvController nc = new NamesrvController(new NamesrvConfig(), ns); nc.initialize(); nc.start();
        BrokerConfig bc = new BrokerConfig(); bc.setNamesrvAddr("127.0.0.1:" + names); bc.setBrokerIP1("127.0.0.1"); bc.setBrokerName("shop");
        NettyServerConfig bs = new NettyServerConfig(); bs.setListenPort(port);
        MessageStoreConfig ms = new MessageStoreConfig(); ms.setStorePathRootDir(store); ms.setStorePathCommitLog(store + "/log"); ms.setMappedFileSizeCommitLog(1 << 20); ms.setMappedFileSizeConsumeQueue(20 * 1000); ms.setHaListenPort(port + 100);
        BrokerController broker = new BrokerController(bc, bs, new NettyClientConfig(), ms); broker.initialize(); broker.start();
        broker.getTopicConfigManager().updateTopicConfig(new TopicConfig("Orders", 4, 4, 6));
        for (int tries = 0; nc.getRouteInfoManager().pickupTopicRouteData("Orders") == null && tries < 20; tries++) {
            broker.registerBrokerAll(true, false, true);
            Thread.sleep(500);
        }
        DefaultMQProducer producer = new DefaultMQProducer("shop-makers"); producer.setNamesrvAddr("127.0.0.1:" + names); producer.start();
        for (int n = 0; n < 3; n++) {
            Message message = new Message("Orders", "red", ("order " + n).getBytes());
            message.putUserProperty("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333" + n + "-01");
            producer.send(message);
        }
        producer.sendOneway(new Message("Orders", "blue", new byte[3000]));
        try { producer.send(new Message("Orders", "huge", new byte[100]), new MessageQueue("Orders", "shop", 99)); } catch (Exception e) { System.err.println("as it should: " + e.getMessage()); }
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("shop-eaters"); consumer.setNamesrvAddr("127.0.0.1:" + names); consumer.subscribe("Orders", "red || blue");
        consumer.setConsumeFromWhere(org.apache.rocketmq.common.consumer.ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
        consumer.start();
        Thread.sleep(2500);
        Runtime.getRuntime().halt(0);
    }
}

import com.alipay.sofa.rpc.config.*;
import com.alipay.sofa.rpc.context.RpcInvokeContext;
import java.util.*;

/** One provider, and the calls whose packets are recorded. */
public class Calls {
    public static class Item implements java.io.Serializable { public String name; public int count; }
    public interface Shop { Item find(String name, int count); String fail(String why); void forget(int id); String slow(int ms); byte[] much(int size); }
    public static class Shopkeeper implements Shop {
        public Item find(String name, int count) { Item item = new Item(); item.name = name; item.count = count; return item; }
        public String fail(String why) { throw new IllegalStateException("no " + why); }
        public void forget(int id) {}
        public String slow(int ms) { try { Thread.sleep(ms); } catch (InterruptedException e) {} return "slept"; }
        public byte[] much(int size) { return new byte[size]; }
    }
    static ConsumerConfig<Shop> consumer(int port) {
        MethodConfig forget = new MethodConfig().setName("forget").setInvokeType("oneway");
        return new ConsumerConfig<Shop>().setInterfaceId(Shop.class.getName()).setProtocol("bolt").setUniqueId("v1").setDirectUrl("bolt://127.0.0.1:" + port).setTimeout(400)
            .setMethods(Collections.singletonList(forget)).setApplication(new ApplicationConfig().setAppName("shop-web"));
    }
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]);
        ServerConfig server = new ServerConfig().setProtocol("bolt").setPort(port).setDaemon(true).setHost("127.0.0.1");
        new ProviderConfig<Shop>().setInterfaceId(Shop.class.getName()).setUniqueId("v1").setRef(new Shopkeeper()).setServer(server).export();
        ConsumerConfig<Shop> config = consumer(port);
        Shop shop = config.refer();
        shop.find("table", 7);
        try { shop.fail("bread"); } catch (Exception e) { System.err.println("as it should: " + e); }
        shop.forget(9);
        shop.much(20000);
        try { shop.slow(700); } catch (Exception e) { System.err.println("as it should: " + e.getClass()); }
        Thread.sleep(600);
        ConsumerConfig<Shop> stranger = new ConsumerConfig<Shop>().setInterfaceId(Shop.class.getName()).setProtocol("bolt").setUniqueId("v2").setDirectUrl("bolt://127.0.0.1:" + port);
        try { stranger.refer().find("chair", 1); } catch (Exception e) { System.err.println("as it should: " + e); }
        Thread.sleep(300);
        System.exit(0);
    }
}

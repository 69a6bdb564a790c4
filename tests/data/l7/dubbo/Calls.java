import org.apache.dubbo.config.*;
import org.apache.dubbo.rpc.RpcContext;
import java.util.*;

/** One provider, and the calls whose packets are recorded. */
public class Calls {
    public static class Item implements java.io.Serializable { public String name; public int count; public List<String> tags = new ArrayList<>(); public Map<String, Long> seen = new HashMap<>(); public double price = 1.5; public Date at = new Date(0); public byte[] raw = {1, 2, 3}; public Item next; }
    public interface Shop { Item find(String name, int count, Item like); String fail(String why); void forget(int id); long[] sums(List<Item> items, Map<String, Item> named); String slow(int ms); }
    public static class Shopkeeper implements Shop {
        public Item find(String name, int count, Item like) { Item item = new Item(); item.name = name; item.count = count; item.next = like; return item; }
        public String fail(String why) { throw new IllegalStateException("no " + why); }
        public void forget(int id) {}
        public long[] sums(List<Item> items, Map<String, Item> named) { return new long[] {1, 2, 3}; }
        public String slow(int ms) { try { Thread.sleep(ms); } catch (InterruptedException e) {} return "slept"; }
    }
    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[0]); String serialization = args[1];
        ApplicationConfig app = new ApplicationConfig("shop"); app.setQosEnable(false);
        ProtocolConfig protocol = new ProtocolConfig("dubbo", port); protocol.setSerialization(serialization);
        ServiceConfig<Shop> service = new ServiceConfig<>(); service.setApplication(app); service.setRegistry(new RegistryConfig("N/A")); service.setProtocol(protocol);
        service.setInterface(Shop.class); service.setRef(new Shopkeeper()); service.setVersion("1.2.0"); service.setGroup("north"); service.export();
        ReferenceConfig<Shop> reference = new ReferenceConfig<>(); reference.setApplication(app); reference.setInterface(Shop.class); reference.setVersion("1.2.0"); reference.setGroup("north");
        reference.setUrl("dubbo://127.0.0.1:" + port + "?serialization=" + serialization + "&heartbeat=1500"); reference.setTimeout(400); reference.setRetries(0);
        Map<String, String> p = new HashMap<>(); p.put("scope", "remote"); reference.setParameters(p); reference.setScope("remote"); reference.setInjvm(false);
        MethodConfig forget = new MethodConfig(); forget.setName("forget"); forget.setReturn(false); reference.setMethods(Collections.singletonList(forget));
        Shop shop = reference.get();
        Item like = new Item(); like.name = "lamp \u00e9\u6c34"; like.tags.add("old"); like.seen.put("a", 5L); like.next = like.next;
        RpcContext.getContext().setAttachment("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        shop.find("table", 7, like);
        RpcContext.getContext().setAttachment("sw8", "1-dHJhY2U=-c2VnbWVudA==-3-c2hvcA==-c2hvcC0x-L2NhbGw=-MTI3LjAuMC4xOjE=");
        shop.sums(Arrays.asList(like, like), Collections.singletonMap("one", like));
        RpcContext.getContext().setAttachment("x-request-id", "r-17");
        try { shop.fail("bread"); } catch (Exception e) { System.err.println("as it should: " + e); }
        shop.forget(9);
        try { shop.slow(700); } catch (Exception e) { System.err.println("as it should: " + e.getClass()); }
        Thread.sleep(3500);
        System.exit(0);
    }
}
